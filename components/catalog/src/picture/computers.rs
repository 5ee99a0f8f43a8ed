//! Drawings of computers and what stands beside them.

use super::Drawing;
use super::paint::{GLASS, INK, PAPER, Paint, STEEL, STEEL_DARK};

pub const DRAWINGS: &[Drawing] = &[
    ("laptop", laptop),
    ("desktop", desktop),
    ("monitor", monitor),
    ("keyboard", keyboard),
    ("mouse", mouse),
    ("laptop-stand", laptop_stand),
    ("sleeve", sleeve),
    ("hub", hub),
    ("drive", drive),
    ("webcam", webcam),
];

fn laptop(paint: &Paint) -> String {
    let [color, dark, light, ..] = paint.shades();
    let (width, height) = paint.pick([(244, 166), (286, 182), (306, 200), (262, 170)]);
    let (left, top) = (240 - width / 2, 352 - height);
    let screen = paint.screen(left + 12, top + 12, width - 24, height - 22);
    let shadow = paint.shadow(240, 378, width / 2 + 40);
    let (base, edge) = (left - 34, width + 68);
    let front = edge - 36;
    format!(
        "{shadow}<rect x='{left}' y='{top}' width='{width}' height='{height}' rx='14' \
         fill='{dark}'/>{screen}\
         <path d='M{base} 352h{edge}v6q0 16 -18 16h-{front}q-18 0 -18 -16z' fill='{color}'/>\
         <path d='M{base} 352h{edge}v7h-{edge}z' fill='{light}'/>\
         <path d='M206 352h68q0 9 -9 9h-50q-9 0 -9 -9z' fill='{dark}'/>"
    )
}

fn desktop(paint: &Paint) -> String {
    let [color, dark, light, accent, ..] = paint.shades();
    let small = format!(
        "<path d='M132 262q0 -26 26 -26h164q26 0 26 26v96q0 22 -22 22h-172q-22 0 -22 -22z' \
         fill='{color}'/><path d='M132 268q0 -32 26 -32h164q26 0 26 32z' fill='{light}'/>\
         <circle cx='312' cy='324' r='11' fill='{dark}'/><circle cx='312' cy='324' r='4' \
         fill='{accent}'/><path d='M162 318h34M212 318h20' stroke='{dark}' stroke-width='12' \
         stroke-linecap='round'/><path d='M162 344h70' stroke='{accent}' stroke-width='5' \
         stroke-linecap='round'/>"
    );
    let tower = format!(
        "<rect x='150' y='96' width='180' height='280' rx='16' fill='{color}'/>\
         <path d='M278 96h36q16 0 16 16v248q0 16 -16 16h-36z' fill='{dark}'/>\
         <rect x='170' y='118' width='88' height='14' rx='7' fill='{light}'/>\
         <rect x='170' y='142' width='88' height='14' rx='7' fill='{light}'/>\
         <circle cx='214' cy='250' r='56' fill='{dark}'/><circle cx='214' cy='250' r='47' \
         fill='{GLASS}'/><path d='M214 250q-30 -8 -30 -34 24 -6 30 34zM214 250q8 -30 34 -30 \
         6 24 -34 30zM214 250q30 8 30 34 -24 6 -30 -34zM214 250q-8 30 -34 30 -6 -24 34 -30z' \
         fill='{accent}'/><circle cx='214' cy='250' r='10' fill='{PAPER}'/>\
         <circle cx='304' cy='124' r='9' fill='{accent}'/><path d='M304 152v24' stroke='{light}' \
         stroke-width='6' stroke-linecap='round'/><path d='M172 344h84' stroke='{accent}' \
         stroke-width='6' stroke-linecap='round'/><path d='M172 376h24v8h-24zM284 376h24v8h-24z' \
         fill='{INK}'/>"
    );
    let shadow = paint.shadow(240, 384, 130);
    shadow + &paint.pick([tower, small])
}

fn monitor(paint: &Paint) -> String {
    let [color, dark, light, ..] = paint.shades();
    let (width, height) = paint.pick([(306, 190), (364, 164), (280, 178), (330, 196)]);
    let (left, top) = (240 - width / 2, 316 - height);
    let screen = paint.screen(left + 11, top + 11, width - 22, height - 30);
    let shadow = paint.shadow(240, 382, 110);
    let light_y = top + height - 10;
    let foot = format!(
        "<path d='M216 300h48l6 70h-60z' fill='{dark}'/>\
         <path d='M160 380q0 -16 22 -16h116q22 0 22 16z' fill='{color}'/>"
    );
    let cover = format!("<path d='M110 312h260l34 64q4 8 -8 8H84q-12 0 -8 -8z' fill='{dark}'/>");
    let stand = paint.pick([foot.clone(), foot.clone(), cover, foot]);
    format!(
        "{shadow}{stand}\
         <rect x='{left}' y='{top}' width='{width}' height='{height}' rx='13' fill='{color}'/>\
         {screen}<circle cx='240' cy='{light_y}' r='4' fill='{light}'/>"
    )
}

fn keyboard(paint: &Paint) -> String {
    let [color, dark, light, accent, ..] = paint.shades();
    let (columns, size) = paint.pick([(11, 24), (13, 20), (10, 26)]);
    let pitch = size + 8;
    let (width, height) = (columns * pitch + 26, pitch * 5 + 24);
    let (left, top) = (240 - width / 2, 246 - height / 2);
    let mut keys = String::new();
    for row in 0..4 {
        for column in 0..columns {
            let (x, y) = (left + 16 + column * pitch, top + 15 + row * pitch);
            keys += &format!("M{x} {y}h{size}v{size}h-{size}z");
        }
    }
    let (x, y) = (left + 16, top + 15 + 4 * pitch);
    let (bar_x, bar) = (x + 2 * pitch, (columns - 4) * pitch - 6);
    let right = bar_x + bar + 6;
    let side = pitch * 2 - 6;
    let (enter_x, enter_y) = (x + (columns - 1) * pitch, top + 15 + pitch);
    let cable = format!(
        "<path d='M240 {top}C240 60 330 120 350 40' fill='none' stroke='{INK}' \
         stroke-width='7' stroke-linecap='round'/>"
    );
    let cable = paint.pick([cable, String::new(), String::new()]);
    let under = top + 9;
    format!(
        "{cable}<rect x='{left}' y='{under}' width='{width}' height='{height}' rx='16' \
         fill='{INK}' opacity='.2'/>\
         <rect x='{left}' y='{top}' width='{width}' height='{height}' rx='16' fill='{color}'/>\
         <g stroke-width='4' stroke-linejoin='round'><path d='{keys}' fill='{light}' \
         stroke='{light}'/><path d='M{x} {y}h{side}v{size}h-{side}zM{right} {y}h{side}v{size}\
         h-{side}z' fill='{dark}' stroke='{dark}'/>\
         <path d='M{x} {enter_y}h{size}v{size}h-{size}zM{enter_x} {enter_y}h{size}v{size}h-{size}z\
         M{bar_x} {y}h{bar}v{size}h-{bar}z' fill='{accent}' stroke='{accent}'/></g>"
    )
}

fn mouse(paint: &Paint) -> String {
    let [color, dark, light, accent, accent_dark, ..] = paint.shades();
    let flat = format!(
        "<ellipse cx='246' cy='262' rx='92' ry='136' fill='{INK}' opacity='.16'/>\
         <path d='M240 104c64 0 90 46 90 118s-24 156 -90 156 -90 -84 -90 -156 26 -118 90 -118z' \
         fill='{color}'/><path d='M240 104c-64 0 -90 46 -90 118h90z' fill='{light}'/>\
         <path d='M240 104c64 0 90 46 90 118h-90z' fill='{dark}' opacity='.35'/>\
         <path d='M150 222h180M240 104v118' stroke='{dark}' stroke-width='5'/>\
         <rect x='227' y='142' width='26' height='54' rx='13' fill='{dark}'/>\
         <rect x='232' y='150' width='16' height='38' rx='8' fill='{accent}'/>\
         <circle cx='240' cy='326' r='9' fill='{light}'/>"
    );
    let trackball = format!(
        "<path d='M252 112c78 0 118 60 118 142s-50 136 -122 136 -110 -62 -110 -150 40 -128 114 \
         -128z' fill='{INK}' opacity='.16'/>\
         <path d='M244 100c78 0 118 60 118 142s-50 136 -122 136 -110 -62 -110 -150 40 -128 114 \
         -128z' fill='{color}'/><path d='M254 100c70 4 108 62 108 142h-98z' fill='{dark}'/>\
         <path d='M244 100c-20 0 -38 4 -52 11l34 131h38l-10 -142z' fill='{light}'/>\
         <rect x='228' y='134' width='24' height='50' rx='12' fill='{dark}'/>\
         <circle cx='170' cy='214' r='56' fill='{dark}'/><circle cx='164' cy='214' r='46' \
         fill='{accent}'/><path d='M118 208a46 46 0 0 0 80 36 46 46 0 0 1 -80 -36z' \
         fill='{accent_dark}'/><circle cx='150' cy='196' r='10' fill='{PAPER}' opacity='.8'/>\
         <circle cx='256' cy='334' r='9' fill='{light}'/>"
    );
    paint.pick([flat, trackball])
}

fn laptop_stand(paint: &Paint) -> String {
    let [color, dark, light, accent, ..] = paint.shades();
    let shadow = paint.shadow(240, 384, 140);
    let fold = format!(
        "<path d='M292 368L200 262M176 368l108 -122' stroke='{dark}' stroke-width='14'/>\
         <circle cx='236' cy='303' r='11' fill='{light}'/>"
    );
    let arm = format!("<path d='M232 366q-4 -70 36 -114' stroke='{dark}' stroke-width='24'/>");
    let legs = paint.pick([arm, fold]);
    format!(
        "{shadow}<g fill='none' stroke-linecap='round' stroke-linejoin='round'>{legs}\
         <path d='M136 374h204' stroke='{color}' stroke-width='18'/>\
         <path d='M112 290l-8 -22M112 290L350 214' stroke='{color}' stroke-width='16'/>\
         <path d='M118 268L338 198' stroke='{STEEL}' stroke-width='15'/>\
         <path d='M124 272L336 205' stroke='{STEEL_DARK}' stroke-width='5'/>\
         <path d='M340 194L372 78' stroke='{STEEL}' stroke-width='12'/>\
         <path d='M334 188L364 80' stroke='{accent}' stroke-width='4'/></g>"
    )
}

fn sleeve(paint: &Paint) -> String {
    let [color, dark, light, accent, ..] = paint.shades();
    let zip = format!(
        "<path d='M86 164q0 -22 22 -22h264q22 0 22 22v18H86z' fill='{dark}'/>\
         <path d='M104 163h244' stroke='{accent}' stroke-width='6' stroke-dasharray='7 5'/>\
         <path d='M346 156h20l6 26h-16z' fill='{accent}'/>\
         <rect x='316' y='318' width='52' height='26' rx='5' fill='{accent}'/>\
         <path d='M118 208v126M134 208v126' stroke='{light}' stroke-width='3' \
         stroke-dasharray='9 7'/>"
    );
    let flap = format!(
        "<path d='M86 164q0 -22 22 -22h264q22 0 22 22v52q0 10 -12 16L250 292q-10 5 -20 0\
         L98 232q-12 -6 -12 -16z' fill='{light}'/><path d='M100 216l136 64q4 2 8 0l136 -64' \
         fill='none' stroke='{dark}' stroke-width='3' stroke-dasharray='8 6'/>\
         <circle cx='240' cy='270' r='13' fill='{accent}'/>"
    );
    let front = paint.pick([zip, flap]);
    format!(
        "<rect x='92' y='158' width='308' height='226' rx='22' fill='{INK}' opacity='.16'/>\
         <rect x='112' y='106' width='256' height='120' rx='14' fill='{STEEL}'/>\
         <rect x='112' y='106' width='256' height='14' rx='7' fill='{STEEL_DARK}'/>\
         <rect x='86' y='142' width='308' height='230' rx='22' fill='{color}'/>{front}"
    )
}

fn hub(paint: &Paint) -> String {
    let [color, dark, light, accent, ..] = paint.shades();
    let shadow = paint.shadow(240, 352, 160);
    let few = format!(
        "<rect x='124' y='292' width='52' height='18' rx='3' fill='{GLASS}'/>\
         <rect x='196' y='292' width='52' height='18' rx='3' fill='{GLASS}'/>\
         <path d='M270 290h58v10l-8 10h-42l-8 -10z' fill='{GLASS}'/>"
    );
    let many = format!(
        "<rect x='114' y='292' width='40' height='18' rx='9' fill='{GLASS}'/>\
         <rect x='166' y='292' width='40' height='18' rx='9' fill='{GLASS}'/>\
         <rect x='220' y='284' width='42' height='32' rx='4' fill='{GLASS}'/>\
         <circle cx='290' cy='301' r='12' fill='{GLASS}'/>\
         <rect x='316' y='292' width='24' height='18' rx='3' fill='{GLASS}'/>"
    );
    let ports = paint.pick([few, many]);
    format!(
        "{shadow}<path d='M240 246C236 190 300 196 296 146' fill='none' stroke='{INK}' \
         stroke-width='11'/><rect x='280' y='104' width='32' height='52' rx='7' fill='{dark}'/>\
         <path d='M285 104v-22q0 -5 5 -5h12q5 0 5 5v22z' fill='{STEEL}'/>\
         <path d='M118 232h244q9 0 13 9l13 29H92l13 -29q4 -9 13 -9z' fill='{light}'/>\
         <rect x='88' y='266' width='304' height='80' rx='15' fill='{color}'/>\
         <path d='M88 318h304v13q0 15 -15 15H103q-15 0 -15 -15z' fill='{dark}' opacity='.5'/>\
         {ports}<circle cx='364' cy='300' r='6' fill='{accent}'/>\
         <path d='M210 250h60' stroke='{accent}' stroke-width='6' stroke-linecap='round'/>"
    )
}

fn drive(paint: &Paint) -> String {
    let [color, dark, light, accent, ..] = paint.shades();
    let (tilt, corner) = paint.pick([(-10, 30), (8, 12)]);
    format!(
        "<g transform='rotate({tilt} 240 240)'><path d='M240 96C240 30 330 90 340 28' fill='none' \
         stroke='{INK}' stroke-width='10' stroke-linecap='round'/>\
         <rect x='158' y='112' width='180' height='264' rx='{corner}' fill='{INK}' \
         opacity='.18'/><rect x='224' y='92' width='32' height='26' rx='5' fill='{INK}'/>\
         <rect x='150' y='104' width='180' height='264' rx='{corner}' fill='{color}'/>\
         <rect x='162' y='116' width='156' height='240' rx='{corner}' fill='none' \
         stroke='{light}' stroke-width='4'/>\
         <rect x='150' y='276' width='180' height='30' fill='{accent}'/>\
         <circle cx='240' cy='148' r='7' fill='{accent}'/>\
         <path d='M190 330h60' stroke='{dark}' stroke-width='9' stroke-linecap='round'/></g>"
    )
}

fn webcam(paint: &Paint) -> String {
    let [color, dark, light, accent, ..] = paint.shades();
    let shadow = paint.shadow(240, 384, 110);
    let (left, width) = paint.pick([(120, 240), (164, 152)]);
    format!(
        "{shadow}<path d='M220 270h40v76h-40z' fill='{dark}'/>\
         <path d='M142 380q0 -34 36 -34h124q36 0 36 34z' fill='{color}'/>\
         <rect x='{left}' y='122' width='{width}' height='156' rx='76' fill='{color}'/>\
         <circle cx='240' cy='200' r='62' fill='{light}'/><circle cx='240' cy='200' r='50' \
         fill='{GLASS}'/><circle cx='240' cy='200' r='26' fill='{accent}'/>\
         <circle cx='240' cy='200' r='13' fill='{INK}'/><circle cx='224' cy='182' r='9' \
         fill='{PAPER}' opacity='.85'/><circle cx='240' cy='134' r='4' fill='{accent}'/>"
    )
}
