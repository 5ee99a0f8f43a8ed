//! Drawings of phones, tablets, watches and what charges them.

use super::Drawing;
use super::paint::{GLASS, INK, PAPER, Paint, STEEL, STEEL_DARK};

pub const DRAWINGS: &[Drawing] = &[
    ("phone", phone),
    ("tablet", tablet),
    ("watch", watch),
    ("phone-case", phone_case),
    ("charger", charger),
    ("charging-pad", charging_pad),
    ("power-bank", power_bank),
    ("cable", cable),
];

fn phone(paint: &Paint) -> String {
    let [color, dark, light, accent, ..] = paint.shades();
    let screen = home_screen(paint);
    let cameras = paint.pick([
        "<circle cx='302' cy='112' r='15'/><circle cx='302' cy='150' r='15'/>",
        "<circle cx='296' cy='116' r='22'/>",
        "<circle cx='302' cy='106' r='13'/><circle cx='302' cy='140' r='13'/>\
         <circle cx='302' cy='174' r='13'/>",
    ]);
    let smart = format!(
        "<g transform='rotate(9 280 240)'><rect x='192' y='76' width='156' height='310' rx='26' \
         fill='{color}'/><path d='M322 76q26 0 26 26v258q0 26 -26 26h-14V76z' fill='{dark}'/>\
         <rect x='276' y='86' width='52' height='106' rx='22' fill='{light}'/>\
         <g fill='{GLASS}' stroke='{accent}' stroke-width='3'>{cameras}</g></g>\
         <rect x='144' y='98' width='160' height='302' rx='27' fill='{INK}'/>\
         {screen}<rect x='149' y='103' width='150' height='292' rx='22' \
         fill='none' stroke='{INK}' stroke-width='10'/><rect x='198' y='118' width='52' \
         height='13' rx='6' \
         fill='{INK}'/><rect x='196' y='376' width='56' height='5' rx='2' fill='{PAPER}'/>"
    );
    let mut keys = String::new();
    for row in 0..4 {
        for column in 0..3 {
            let (x, y) = (186 + column * 40, 296 + row * 24);
            keys += &format!("M{x} {y}h28");
        }
    }
    let display = paint.landscape(182, 96, 116, 104);
    let folding = format!(
        "<rect x='164' y='72' width='152' height='154' rx='24' fill='{color}'/>\
         <rect x='176' y='88' width='128' height='120' rx='10' fill='{INK}'/>{display}\
         <rect x='172' y='222' width='136' height='18' rx='9' fill='{dark}'/>\
         <rect x='164' y='236' width='152' height='164' rx='24' fill='{color}'/>\
         <rect x='206' y='250' width='68' height='28' rx='14' fill='{accent}'/>\
         <path d='M184 264h8M288 264h8' stroke='{light}' stroke-width='12' stroke-linecap='round'/>\
         <path d='{keys}' stroke='{light}' stroke-width='14' stroke-linecap='round'/>"
    );
    paint.pick([smart.clone(), smart.clone(), smart, folding])
}

/// What the screen of a phone shows: the time, a view, and two rows of apps.
fn home_screen(paint: &Paint) -> String {
    let [color, dark, light, accent, accent_dark, accent_light] = paint.shades();
    let view = paint.pick([
        format!(
            "<path d='M154 300q50 -60 90 -24t50 -16v128H154z' fill='{accent}'/>\
             <path d='M154 340q40 -30 80 -10t60 -14v72H154z' fill='{accent_dark}'/>"
        ),
        format!(
            "<circle cx='224' cy='290' r='92' fill='{accent}'/><circle cx='224' cy='290' r='58' \
             fill='{accent_dark}'/>"
        ),
        format!(
            "<path d='M154 260l140 -70v198H154z' fill='{accent}'/><path d='M154 330l140 -70v128\
             H154z' fill='{accent_dark}'/>"
        ),
    ]);
    format!(
        "<rect x='150' y='104' width='148' height='290' rx='24' fill='{accent_light}'/>\
         <svg x='154' y='108' width='140' height='280' viewBox='154 108 140 280'>{view}</svg>\
         <path d='M186 164h76' stroke='{PAPER}' stroke-width='17' stroke-linecap='round'/>\
         <path d='M204 188h40' stroke='{PAPER}' stroke-width='7' stroke-linecap='round'/>\
         <g stroke-width='22' stroke-linecap='round'><path d='M178 318h.1M240 352h.1' \
         stroke='{PAPER}'/><path d='M209 318h.1M271 352h.1' stroke='{color}'/>\
         <path d='M240 318h.1M178 352h.1' stroke='{light}'/><path d='M271 318h.1M209 352h.1' \
         stroke='{dark}'/></g>"
    )
}

fn tablet(paint: &Paint) -> String {
    let [color, dark, light, accent, ..] = paint.shades();
    let screen = paint.landscape(86, 136, 308, 208);
    let wide = format!(
        "<rect x='72' y='122' width='336' height='242' rx='22' fill='{INK}' opacity='.16'/>\
         <rect x='70' y='116' width='340' height='244' rx='22' fill='{color}'/>\
         <rect x='78' y='124' width='324' height='228' rx='16' fill='{GLASS}'/>{screen}"
    );
    let pencil = format!(
        "{wide}<path d='M92 396l14 -9h250q7 0 7 9t-7 9h-250z' fill='{PAPER}'/>\
         <path d='M92 396l14 -9v18z' fill='{accent}'/><path d='M330 387h14v18h-14z' \
         fill='{STEEL}'/>"
    );
    let lines = "M164 136h152M164 162h152M164 188h152M164 214h110M164 250h152M164 276h152\
                 M164 302h84";
    let reader = format!(
        "<rect x='132' y='84' width='226' height='320' rx='20' fill='{INK}' opacity='.16'/>\
         <rect x='126' y='76' width='228' height='322' rx='20' fill='{color}'/>\
         <rect x='146' y='96' width='188' height='254' rx='4' fill='{PAPER}'/>\
         <path d='{lines}' stroke='{STEEL_DARK}' stroke-width='8' stroke-linecap='round'/>\
         <path d='M164 136h66' stroke='{accent}' stroke-width='8' stroke-linecap='round'/>\
         <rect x='216' y='366' width='48' height='12' rx='6' fill='{light}'/>"
    );
    let tough = format!(
        "<path d='M170 108q0 -48 70 -48t70 48' fill='none' stroke='{dark}' stroke-width='26'/>\
         <rect x='58' y='100' width='364' height='282' rx='46' fill='{color}'/>\
         <rect x='72' y='114' width='336' height='254' rx='34' fill='{light}'/>\
         <rect x='78' y='124' width='324' height='232' rx='16' fill='{GLASS}'/>{screen}\
         <circle cx='72' cy='114' r='16' fill='{accent}'/>\
         <circle cx='408' cy='114' r='16' fill='{accent}'/>\
         <circle cx='72' cy='368' r='16' fill='{accent}'/>\
         <circle cx='408' cy='368' r='16' fill='{accent}'/>"
    );
    paint.pick([wide, pencil, reader, tough])
}

fn watch(paint: &Paint) -> String {
    let [color, dark, light, accent, ..] = paint.shades();
    let strap = format!(
        "<path d='M190 168l8 -96q1 -12 13 -12h58q12 0 13 12l8 96zM190 312l8 96q1 12 13 12h58\
         q12 0 13 -12l8 -96z' fill='{color}'/>\
         <path d='M194 128h92l-2 -24h-88zM194 352h92l-2 24h-88z' fill='{dark}'/>\
         <path d='M240 386h.1M240 400h.1' stroke='{dark}' stroke-width='9' \
         stroke-linecap='round'/>"
    );
    let square = format!(
        "{strap}<rect x='326' y='212' width='16' height='40' rx='7' fill='{STEEL_DARK}'/>\
         <rect x='150' y='144' width='180' height='192' rx='46' fill='{STEEL}'/>\
         <rect x='160' y='154' width='160' height='172' rx='37' fill='{GLASS}'/>\
         <g fill='none' stroke-width='14' stroke-linecap='round'>\
         <circle cx='240' cy='240' r='56' stroke='{INK}'/><circle cx='240' cy='240' r='34' \
         stroke='{INK}'/><path d='M240 184a56 56 0 1 1 -54 42' stroke='{accent}'/>\
         <path d='M240 206a34 34 0 0 1 18 63' stroke='{light}'/></g>"
    );
    let band = format!(
        "<rect x='198' y='52' width='84' height='376' rx='40' fill='{color}'/>\
         <path d='M198 132h84v216h-84z' fill='{dark}'/>\
         <rect x='190' y='138' width='100' height='204' rx='42' fill='{GLASS}'/>\
         <path d='M216 200h48' stroke='{PAPER}' stroke-width='13' stroke-linecap='round'/>\
         <path d='M206 252h14l10 -26 16 48 11 -30 6 8h12' fill='none' stroke='{accent}' \
         stroke-width='6' stroke-linecap='round' stroke-linejoin='round'/>\
         <path d='M218 304h30' stroke='{light}' stroke-width='7' stroke-linecap='round'/>\
         <path d='M240 84h.1M240 106h.1M240 374h.1M240 396h.1' stroke='{dark}' \
         stroke-width='10' stroke-linecap='round'/>"
    );
    let round = format!(
        "{strap}<rect x='336' y='226' width='20' height='28' rx='6' fill='{STEEL_DARK}'/>\
         <circle cx='240' cy='240' r='104' fill='{STEEL_DARK}'/>\
         <circle cx='240' cy='240' r='96' fill='{STEEL}'/><circle cx='240' cy='240' r='82' \
         fill='{PAPER}'/><path d='M240 166v14M240 300v14M166 240h14M300 240h14M277 176l-5 9\
         M203 304l5 -9M304 277l-9 -5M176 203l9 5M203 176l5 9M277 304l-5 -9M304 203l-9 5\
         M176 277l9 -5' stroke='{STEEL_DARK}' stroke-width='5' stroke-linecap='round'/>\
         <path d='M240 240v-58M240 240l34 22' stroke='{INK}' stroke-width='8' \
         stroke-linecap='round'/><path d='M240 256v-70' transform='rotate(215 240 240)' \
         stroke='{accent}' stroke-width='4' stroke-linecap='round'/>\
         <circle cx='240' cy='240' r='8' fill='{accent}'/>"
    );
    paint.pick([square, band, round])
}

fn phone_case(paint: &Paint) -> String {
    let [color, dark, light, accent, ..] = paint.shades();
    let leaves = format!(
        "<path d='M240 372q-2 -90 6 -176' stroke='{light}' stroke-width='6' fill='none'/>\
         <path d='M243 260q-52 4 -62 -46 52 -6 62 46zM245 230q42 -8 46 -54 -44 4 -46 54zM241 322\
         q-56 -2 -64 -52 56 -2 64 52zM242 296q56 -4 60 -56 -56 4 -60 56zM240 366q50 -2 62 -48\
         -54 -2 -62 48z' fill='{accent}'/>"
    );
    let ribs = format!(
        "<path d='M160 232l80 -50 80 50M160 282l80 -50 80 50M160 332l80 -50 80 50' fill='none' \
         stroke='{light}' stroke-width='12'/><path d='M142 96l34 -26h-10q-24 0 -24 24zM338 96l-34 \
         -26h10q24 0 24 24zM142 384l34 26h-10q-24 0 -24 -24zM338 384l-34 26h10q24 0 24 -24z' \
         fill='{accent}'/>"
    );
    let pattern = paint.pick([leaves, ribs]);
    format!(
        "<rect x='148' y='78' width='202' height='342' rx='40' fill='{INK}' opacity='.16'/>\
         <rect x='334' y='160' width='10' height='52' rx='4' fill='{dark}'/>\
         <rect x='142' y='70' width='196' height='340' rx='38' fill='{dark}'/>\
         <rect x='150' y='78' width='180' height='324' rx='32' fill='{color}'/>{pattern}\
         <rect x='164' y='92' width='74' height='84' rx='22' fill='{INK}'/>\
         <circle cx='187' cy='117' r='14' fill='{STEEL_DARK}'/><circle cx='187' cy='152' r='14' \
         fill='{STEEL_DARK}'/><circle cx='187' cy='117' r='8' fill='{GLASS}'/>\
         <circle cx='187' cy='152' r='8' fill='{GLASS}'/><circle cx='218' cy='134' r='8' \
         fill='{PAPER}'/>"
    )
}

fn charger(paint: &Paint) -> String {
    let [color, dark, light, accent, ..] = paint.shades();
    let ports = paint.pick([
        "M212 336h56",
        "M204 336h24M252 336h24",
        "M194 336h18M232 336h18M270 336h18",
    ]);
    let shadow = paint.shadow(240, 400, 110);
    format!(
        "{shadow}<path d='M202 96q0 -9 9 -9t9 9v58h-18zM260 96q0 -9 9 -9t9 9v58h-18z' \
         fill='{STEEL}'/><path d='M211 87q9 0 9 9v58h-9zM269 87q9 0 9 9v58h-9z' \
         fill='{STEEL_DARK}'/><path d='M172 158q0 -14 14 -14h108q14 0 14 14v18H172z' \
         fill='{dark}'/><rect x='150' y='168' width='180' height='222' rx='30' fill='{color}'/>\
         <path d='M300 168q30 0 30 30v162q0 30 -30 30h-18V168z' fill='{dark}' opacity='.45'/>\
         <path d='M248 206l-34 52h22l-8 40 36 -54h-23z' fill='{accent}'/>\
         <path d='{ports}' stroke='{GLASS}' stroke-width='14' stroke-linecap='round'/>\
         <path d='M168 196v120' stroke='{light}' stroke-width='8' stroke-linecap='round'/>"
    )
}

fn charging_pad(paint: &Paint) -> String {
    let [color, dark, light, accent, ..] = paint.shades();
    let shadow = paint.shadow(240, 348, 170);
    format!(
        "{shadow}<path d='M352 318c40 8 50 40 88 34' fill='none' stroke='{INK}' \
         stroke-width='9' stroke-linecap='round'/>\
         <ellipse cx='240' cy='312' rx='150' ry='48' fill='{dark}'/>\
         <ellipse cx='240' cy='296' rx='150' ry='48' fill='{color}'/>\
         <ellipse cx='240' cy='296' rx='104' ry='32' fill='none' stroke='{light}' \
         stroke-width='5'/><g transform='translate(240 258) scale(1 .42) rotate(38)'>\
         <rect x='-76' y='-140' width='152' height='280' rx='26' fill='{INK}' opacity='.35' \
         transform='translate(12 22)'/><rect x='-76' y='-140' width='152' height='280' rx='26' \
         fill='{STEEL_DARK}'/><rect x='-70' y='-134' width='140' height='268' rx='22' \
         fill='{GLASS}'/></g><path d='M246 118l-36 56h24l-9 44 38 -58h-24z' fill='{accent}'/>\
         <path d='M180 130q-24 34 0 70M300 130q24 34 0 70' fill='none' stroke='{accent}' \
         stroke-width='9' stroke-linecap='round'/>"
    )
}

fn power_bank(paint: &Paint) -> String {
    let [color, dark, light, accent, ..] = paint.shades();
    let (width, corner) = paint.pick([(150, 34), (186, 22)]);
    let left = 240 - width / 2;
    let (shade, side) = (left + width - corner - 20, 288 - corner * 2);
    let shadow = paint.shadow(240, 398, 110);
    format!(
        "{shadow}<path d='M240 96C240 30 340 60 350 116S340 180 350 214' fill='none' \
         stroke='{accent}' stroke-width='10'/><rect x='334' y='210' width='32' height='38' rx='6' \
         fill='{INK}'/><path d='M341 248h18v18h-18z' fill='{STEEL}'/>\
         <rect x='226' y='80' width='28' height='30' rx='5' fill='{INK}'/>\
         <rect x='{left}' y='104' width='{width}' height='288' rx='{corner}' fill='{color}'/>\
         <path d='M{shade} 104h20q{corner} 0 {corner} {corner}v{side}q0 {corner} -{corner} {corner}\
         h-20z' fill='{dark}' opacity='.5'/>\
         <path d='M216 350h.1M232 350h.1M248 350h.1' stroke='{accent}' stroke-width='10' \
         stroke-linecap='round'/><path d='M264 350h.1' stroke='{light}' stroke-width='10' \
         stroke-linecap='round'/><path d='M246 192l-36 56h24l-9 44 38 -58h-24z' fill='{light}'/>"
    )
}

fn cable(paint: &Paint) -> String {
    let [color, dark, light, accent, ..] = paint.shades();
    let plug = format!(
        "<rect x='-17' y='0' width='34' height='56' rx='8' fill='{INK}'/>\
         <path d='M-11 0v-24q0 -6 6 -6h10q6 0 6 6v24z' fill='{STEEL}'/>\
         <path d='M-8 34h16' stroke='{accent}' stroke-width='5' stroke-linecap='round'/>"
    );
    let dashes = paint.pick(["10 10", "3 9"]);
    let path = "M176 196v62C176 420 370 410 356 300S190 230 196 316 330 380 306 208v-50";
    format!(
        "<path d='{path}' fill='none' stroke='{dark}' stroke-width='17'/>\
         <path d='{path}' fill='none' stroke='{color}' stroke-width='12'/>\
         <path d='{path}' fill='none' stroke='{light}' stroke-width='4' \
         stroke-dasharray='{dashes}'/>\
         <g transform='translate(176 144)'>{plug}</g><g transform='translate(306 106)'>{plug}</g>\
         <rect x='218' y='336' width='30' height='46' rx='8' fill='{accent}' \
         transform='rotate(14 233 359)'/>"
    )
}
