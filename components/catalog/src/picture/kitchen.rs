//! Drawings of what a kitchen and a home are kept with.

use super::Drawing;
use super::color::Color;
use super::paint::{GLASS, INK, LEAF, PAPER, Paint, STEEL, STEEL_DARK, WOOD, WOOD_DARK};

pub const DRAWINGS: &[Drawing] = &[
    ("pan", pan),
    ("pot", pot),
    ("kettle", kettle),
    ("knife", knife),
    ("mug", mug),
    ("french-press", french_press),
    ("bowl", bowl),
    ("scale", scale),
    ("toaster", toaster),
    ("cutting-board", cutting_board),
    ("jar", jar),
    ("candle", candle),
];

fn pan(paint: &Paint) -> String {
    let [color, dark, light, accent, ..] = paint.shades();
    let egg = format!(
        "<path d='M150 214c-8 -46 50 -62 78 -40 30 -16 62 14 48 46 20 34 -22 62 -50 46 -40 22 \
         -78 -10 -76 -52z' fill='{PAPER}'/><circle cx='214' cy='222' r='27' fill='#f5b83d'/>\
         <circle cx='206' cy='214' r='8' fill='{PAPER}' opacity='.6'/>"
    );
    let leaf = format!(
        "<path d='M168 250q-10 -70 66 -82 6 72 -66 82z' fill='{LEAF}'/>\
         <path d='M168 250q24 -40 48 -62' stroke='{PAPER}' stroke-width='4' fill='none'/>\
         <circle cx='252' cy='246' r='21' fill='#d8563f'/><circle cx='246' cy='240' r='6' \
         fill='{PAPER}' opacity='.6'/>"
    );
    let food = paint.pick([egg, leaf, String::new()]);
    let lip = paint.pick(["M84 180l-22 -12 4 44z", "", "M84 180l-22 -12 4 44z"]);
    format!(
        "<ellipse cx='222' cy='244' rx='152' ry='150' fill='{INK}' opacity='.16'/>\
         <path d='M308 284L422 366' stroke='{accent}' stroke-width='34' stroke-linecap='round'/>\
         <path d='M306 282l34 24' stroke='{dark}' stroke-width='40'/>\
         <circle cx='418' cy='363' r='8' fill='{dark}'/><path d='{lip}' fill='{color}'/>\
         <circle cx='212' cy='224' r='148' fill='{color}'/>\
         <circle cx='212' cy='224' r='124' fill='{dark}'/>\
         <path d='M112 224a100 100 0 0 1 100 -100' stroke='{light}' stroke-width='7' \
         fill='none' stroke-linecap='round' opacity='.6'/>{food}"
    )
}

fn pot(paint: &Paint) -> String {
    let [color, dark, light, accent, ..] = paint.shades();
    let shadow = paint.shadow(230, 384, 160);
    let (top, height) = paint.pick([(210, 168), (250, 128), (180, 198)]);
    let wall = height - 34;
    let ears = format!(
        "<path d='M110 240H70q-14 0 -14 14t14 14h40M350 240h40q14 0 14 14t-14 14h-40' \
         fill='none' stroke='{dark}' stroke-width='15'/>"
    );
    let long = format!(
        "<path d='M340 284L432 270' stroke='{dark}' stroke-width='22' stroke-linecap='round'/>"
    );
    let handle = paint.pick([ears.clone(), long, ears]);
    let (lid, knob, rim) = (top - 6, top - 70, top - 12);
    format!(
        "{shadow}{handle}<path d='M100 {top}h260v{wall}q0 34 -34 34H134q-34 0 -34 -34z' \
         fill='{color}'/><path d='M304 {top}h56v{wall}q0 34 -34 34h-44q22 -12 22 -40z' \
         fill='{dark}' opacity='.55'/><path d='M126 {top}v{wall}' stroke='{light}' \
         stroke-width='12' stroke-linecap='round' opacity='.7'/>\
         <path d='M106 {lid}q20 -54 124 -54t124 54z' fill='{light}'/>\
         <rect x='92' y='{rim}' width='276' height='22' rx='11' fill='{dark}'/>\
         <rect x='204' y='{knob}' width='52' height='20' rx='10' fill='{accent}'/>"
    )
}

fn kettle(paint: &Paint) -> String {
    let [color, dark, light, accent, ..] = paint.shades();
    let shadow = paint.shadow(240, 388, 140);
    let gooseneck = format!(
        "<path d='M158 338C70 330 130 200 64 150' fill='none' stroke='{color}' stroke-width='22' \
         stroke-linecap='round'/><path d='M334 196h50q22 0 22 24v92q0 20 -18 20' fill='none' \
         stroke='{INK}' stroke-width='22' stroke-linecap='round'/>\
         <path d='M176 192h148l34 164q4 24 -22 24H160q-26 0 -22 -24z' fill='{color}'/>\
         <path d='M276 192h48l34 164q4 24 -22 24h-52q14 -90 -8 -188z' fill='{dark}'/>\
         <path d='M170 194q0 -28 80 -28t80 28z' fill='{light}'/>\
         <rect x='232' y='138' width='36' height='30' rx='12' fill='{accent}'/>\
         <path d='M176 236l-16 90' stroke='{light}' stroke-width='9' stroke-linecap='round'/>"
    );
    let electric = format!(
        "<path d='M316 140h50q28 0 28 30v112q0 26 -24 40l-40 20' fill='none' stroke='{INK}' \
         stroke-width='24' stroke-linecap='round' stroke-linejoin='round'/>\
         <path d='M146 128L96 158l42 26z' fill='{dark}'/>\
         <path d='M146 122h170l30 226H116z' fill='{color}'/>\
         <path d='M262 122h54l30 226h-60z' fill='{dark}'/>\
         <path d='M140 122q0 -28 91 -28t91 28z' fill='{light}'/>\
         <rect x='212' y='76' width='38' height='24' rx='10' fill='{accent}'/>\
         <rect x='172' y='182' width='30' height='116' rx='13' fill='{GLASS}' opacity='.85'/>\
         <path d='M187 234v48' stroke='{accent}' stroke-width='16' stroke-linecap='round'/>\
         <path d='M100 384q0 -32 32 -32h198q32 0 32 32z' fill='{INK}'/>"
    );
    let stove = format!(
        "<path d='M134 228C150 70 330 70 346 228' fill='none' stroke='{INK}' \
         stroke-width='20'/><path d='M190 112q50 -24 100 0' fill='none' stroke='{accent}' \
         stroke-width='28' stroke-linecap='round'/>\
         <path d='M342 286l74 -66q12 16 2 34l-60 92z' fill='{dark}'/>\
         <path d='M114 340q-10 -136 126 -136t126 136q-2 42 -34 42H148q-32 0 -34 -42z' \
         fill='{color}'/><path d='M290 214q78 22 76 126 -2 42 -34 42h-50q46 -80 8 -168z' \
         fill='{dark}'/><path d='M176 214q6 -24 64 -24t64 24z' fill='{light}'/>\
         <circle cx='240' cy='182' r='15' fill='{accent}'/>\
         <path d='M142 312q2 -50 36 -68' stroke='{light}' stroke-width='11' fill='none' \
         stroke-linecap='round'/>"
    );
    shadow + &paint.pick([gooseneck, electric, stove])
}

fn knife(paint: &Paint) -> String {
    let [color, dark, light, accent, ..] = paint.shades();
    let blade = paint.pick([
        "M-34 60V-186q0 -8 6 -2 56 60 58 152v96z",
        "M-30 60V-190q44 -6 48 20v230z",
        "M-20 60V-120q0 -8 5 -3 36 40 38 100v83z",
    ]);
    let teeth = paint.pick([
        "",
        "M18 -160l7 8 -7 8 7 8 -7 8 7 8 -7 8 7 8 -7 8 7 8 -7 8 7 8 -7 8 7 8 -7 8 7 8 -7 8 7 8 -7 8 \
         7 8 -7 8 7 8 -7 8 7 8 -7 8z",
        "",
    ]);
    format!(
        "<g transform='translate(240 236) rotate(38)'><g transform='translate(12 8)' \
         fill='{INK}' opacity='.15'><path d='{blade}'/><rect x='-34' y='62' width='52' \
         height='150' rx='18'/></g>\
         <path d='{blade}{teeth}' fill='{STEEL}'/><path d='M-16 56V-130' stroke='{PAPER}' \
         stroke-width='9' stroke-linecap='round' opacity='.8'/>\
         <rect x='-36' y='52' width='58' height='24' rx='5' fill='{STEEL_DARK}'/>\
         <path d='M-34 74h54q-6 60 4 118 2 22 -22 22h-14q-22 0 -22 -22z' fill='{color}'/>\
         <path d='M2 74h18q-6 60 4 118 2 22 -22 22 12 -60 0 -140z' fill='{dark}'/>\
         <g fill='{accent}'><circle cx='-10' cy='100' r='7'/><circle cx='-9' cy='140' r='7'/>\
         <circle cx='-8' cy='180' r='7'/></g><path d='M-24 90v90' stroke='{light}' \
         stroke-width='4' stroke-linecap='round'/></g>"
    )
}

fn mug(paint: &Paint) -> String {
    let [color, dark, light, accent, accent_dark, accent_light] = paint.shades();
    let shadow = paint.shadow(226, 388, 130);
    let cup = |face: Color, shade: Color, rim: Color| {
        format!(
            "<path d='M322 0h28q44 0 44 44t-44 44h-34' fill='none' stroke='{shade}' \
             stroke-width='21'/><path d='M120 -36h212v120q0 44 -44 44H164q-44 0 -44 -44z' \
             fill='{face}'/><path d='M280 -36h52v120q0 44 -44 44h-34q26 -24 26 -64z' \
             fill='{shade}' opacity='.5'/><ellipse cx='226' cy='-36' rx='106' ry='20' \
             fill='{rim}'/><ellipse cx='226' cy='-34' rx='88' ry='13' fill='#6b4632'/>"
        )
    };
    let one = cup(color, dark, light);
    let one = format!(
        "<path d='M186 172q-22 -28 0 -54t0 -52M246 172q-22 -28 0 -54t0 -52' fill='none' \
         stroke='{accent}' stroke-width='10' stroke-linecap='round'/>\
         <g transform='translate(0 256)'>{one}<path d='M120 30h212v22H120z' fill='{accent}'/></g>"
    );
    let (lower, upper) = (
        cup(accent, accent_dark, accent_light),
        cup(color, dark, light),
    );
    let two = format!(
        "<g transform='translate(0 256)'>{lower}</g><g transform='translate(4 128)'>{upper}\
         <path d='M120 20q26 -22 53 0t53 0 53 0 53 0v26q-26 22 -53 0t-53 0 -53 0 -53 0z' \
         fill='{accent}'/></g>"
    );
    shadow + &paint.pick([one, two])
}

fn french_press(paint: &Paint) -> String {
    let [color, dark, light, accent, ..] = paint.shades();
    let shadow = paint.shadow(232, 396, 120);
    format!(
        "{shadow}<path d='M316 190h42q26 0 26 26v104q0 24 -26 24h-42' fill='none' \
         stroke='{color}' stroke-width='22'/><path d='M150 156h164v224H150z' \
         fill='#d6e3ea'/><path d='M150 236h164v130H150z' fill='#5c3d2e'/>\
         <path d='M150 236h164v12H150z' fill='#8a6148'/>\
         <path d='M232 60v160' stroke='{STEEL_DARK}' stroke-width='8'/>\
         <path d='M160 216h144v14H160z' fill='{STEEL_DARK}'/>\
         <circle cx='232' cy='66' r='21' fill='{accent}'/>\
         <path d='M146 150q0 -40 86 -40t86 40z' fill='{light}'/>\
         <path d='M138 148h188v18H138zl-26 -8 26 26z' fill='{color}'/>\
         <path d='M138 262h188v18H138z' fill='{dark}'/>\
         <path d='M160 166v200M304 166v200' stroke='{dark}' stroke-width='12'/>\
         <path d='M134 366h196l10 24H124z' fill='{color}'/>\
         <path d='M184 180v170' stroke='{PAPER}' stroke-width='9' stroke-linecap='round' \
         opacity='.45'/>"
    )
}

fn bowl(paint: &Paint) -> String {
    let [color, dark, light, accent, accent_dark, _] = paint.shades();
    let shadow = paint.shadow(240, 388, 110);
    let nested = format!(
        "<path d='M116 178h248q-10 96 -84 130h-80q-74 -34 -84 -130z' fill='{accent}'/>\
         <ellipse cx='240' cy='178' rx='124' ry='24' fill='{accent_dark}'/>\
         <path d='M92 214h296q-12 110 -96 148H188Q104 324 92 214z' fill='{light}'/>\
         <path d='M72 244h336q-12 106 -108 138H180Q84 350 72 244z' fill='{color}'/>\
         <path d='M326 244h82q-12 106 -108 138h-60q76 -40 86 -138z' fill='{dark}' \
         opacity='.5'/><rect x='62' y='232' width='356' height='22' rx='11' fill='{dark}'/>"
    );
    let salad = format!(
        "<path d='M116 206q-4 -62 56 -56 20 -44 74 -30 50 -24 78 24 50 6 44 62z' fill='{LEAF}'/>\
         <circle cx='206' cy='182' r='28' fill='#d8563f'/><circle cx='300' cy='176' r='23' \
         fill='#f0c14b'/><path d='M250 206q-8 -46 34 -66 16 44 -34 66z' fill='#8fc48a'/>\
         <path d='M336 186L410 96' stroke='{WOOD_DARK}' stroke-width='15' \
         stroke-linecap='round'/><ellipse cx='412' cy='94' rx='22' ry='32' \
         transform='rotate(40 412 94)' fill='{WOOD}'/>\
         <path d='M76 214h328q-6 130 -118 168h-92Q82 344 76 214z' fill='{color}'/>\
         <path d='M318 214h86q-6 130 -118 168h-50q82 -60 82 -168z' fill='{dark}' \
         opacity='.5'/><rect x='66' y='200' width='348' height='24' rx='12' fill='{light}'/>\
         <path d='M98 278q142 44 284 0l-9 24q-133 40 -266 0z' fill='{accent}'/>"
    );
    shadow + &paint.pick([nested, salad])
}

fn scale(paint: &Paint) -> String {
    let [color, dark, light, accent, ..] = paint.shades();
    let shadow = paint.shadow(240, 382, 160);
    format!(
        "{shadow}<circle cx='214' cy='186' r='44' fill='#d8563f'/><circle cx='278' cy='194' \
         r='38' fill='#e58c4a'/><path d='M214 144q2 -22 20 -30' stroke='{WOOD_DARK}' \
         stroke-width='6' fill='none' stroke-linecap='round'/><path d='M218 132q-28 2 -34 -20 \
         28 -6 34 20z' fill='{LEAF}'/><circle cx='200' cy='170' r='9' fill='{PAPER}' \
         opacity='.5'/><path d='M100 222h280q-12 42 -60 42H160q-48 0 -60 -42z' fill='{STEEL}'/>\
         <rect x='92' y='212' width='296' height='18' rx='9' fill='{STEEL_DARK}'/>\
         <rect x='214' y='258' width='52' height='24' fill='{dark}'/>\
         <path d='M112 276h256q16 0 20 14l20 74q4 14 -12 14H84q-16 0 -12 -14l20 -74q4 -14 20 -14z' \
         fill='{color}'/><path d='M76 352h328l4 12q4 14 -12 14H84q-16 0 -12 -14z' \
         fill='{dark}'/><rect x='172' y='292' width='136' height='48' rx='9' fill='{GLASS}'/>\
         <path d='M190 316h26M230 316h24M268 316h22' stroke='{accent}' stroke-width='13' \
         stroke-linecap='round'/><circle cx='132' cy='318' r='13' fill='{light}'/>\
         <circle cx='348' cy='318' r='13' fill='{accent}'/>"
    )
}

fn toaster(paint: &Paint) -> String {
    let [color, dark, light, accent, ..] = paint.shades();
    let shadow = paint.shadow(240, 388, 165);
    format!(
        "{shadow}<path d='M142 200v-52q-28 -8 -22 -36 6 -22 34 -22h172q28 0 34 22 6 28 -22 36v52z' \
         fill='#f0d3a0' stroke='#c98d4f' stroke-width='13'/><path d='M64 246q0 -66 66 -66h220q66 \
         0 66 66v110q0 26 -26 26\
         H90q-26 0 -26 -26z' fill='{color}'/><path d='M350 180q66 0 66 66v110q0 26 -26 26h-54\
         q30 -60 30 -110t-16 -92z' fill='{dark}'/>\
         <path d='M120 192h226' stroke='{INK}' stroke-width='13' stroke-linecap='round'/>\
         <path d='M416 250h14q10 0 10 10v16q0 10 -10 10h-14z' fill='{accent}'/>\
         <path d='M92 250q0 -32 32 -36' stroke='{light}' stroke-width='10' fill='none' \
         stroke-linecap='round'/><circle cx='120' cy='332' r='23' fill='{light}'/>\
         <path d='M120 332l10 -13' stroke='{INK}' stroke-width='6' stroke-linecap='round'/>\
         <path d='M170 332h80' stroke='{light}' stroke-width='9' stroke-linecap='round'/>\
         <path d='M94 382h40v10H94zM346 382h40v10h-40z' fill='{INK}'/>"
    )
}

fn cutting_board(paint: &Paint) -> String {
    let [color, dark, light, accent, ..] = paint.shades();
    let herbs = format!(
        "<path d='M214 330q6 -70 44 -120' stroke='#4f8a55' stroke-width='6' fill='none'/>\
         <path d='M222 288q-40 -4 -48 -40 42 0 48 40zM236 252q-36 -12 -34 -46 36 10 34 46zM228 292\
         q34 12 60 -16 -36 -14 -60 16zM246 242q30 10 54 -14 -32 -14 -54 14zM258 212q-16 -26 4 -48 \
         20 26 -4 48z' fill='{LEAF}'/>"
    );
    let tomato = format!(
        "<circle cx='226' cy='282' r='50' fill='#d8563f'/><path d='M226 240l8 12 16 -4 -8 12 10 12 \
         -16 -2 -8 12 -6 -12 -16 2 10 -12 -8 -12 14 4z' fill='{LEAF}'/>\
         <circle cx='280' cy='226' r='30' fill='#e9806b'/><circle cx='280' cy='226' r='22' \
         fill='#d8563f'/><path d='M280 208v36M262 226h36' stroke='#f3b7a5' stroke-width='5'/>"
    );
    let food = paint.pick([herbs, tomato]);
    format!(
        "<g transform='rotate(-8 240 240)'><rect x='136' y='126' width='232' height='290' \
         rx='28' fill='{INK}' opacity='.16'/><path d='M128 146q0 -28 28 -28h44q14 0 14 -14V82\
         q0 -24 26 -24t26 24v22q0 14 14 14h44q28 0 28 28v232q0 28 -28 28H156q-28 0 -28 -28z' \
         fill='{color}'/><circle cx='240' cy='88' r='11' fill='{dark}'/>\
         <path d='M156 150v220M324 150v220' stroke='{dark}' stroke-width='5' \
         stroke-linecap='round' opacity='.5'/><path d='M184 140v40M300 330v50M206 370v14' \
         stroke='{light}' stroke-width='6' stroke-linecap='round'/>\
         <path d='M128 372h224v6q0 28 -28 28H156q-28 0 -28 -28z' fill='{accent}'/></g>{food}"
    )
}

fn jar(paint: &Paint) -> String {
    let [color, dark, light, accent, ..] = paint.shades();
    let shadow = paint.shadow(240, 392, 170);
    let jar = |x: i32, top: i32, level: i32, width: i32| {
        let (height, fill) = (388 - top, 378 - level);
        let (inner, inner_width) = (x + 9, width - 18);
        let (lid, lid_x, lid_width) = (top - 30, x + 6, width - 12);
        let (label_y, label_x) = (388 - height / 2, x + width / 2 - 24);
        let (glint, glint_y, glint_height) = (x + 18, top + 24, height - 56);
        format!(
            "<rect x='{x}' y='{top}' width='{width}' height='{height}' rx='22' \
             fill='#d6e3ea'/><rect x='{inner}' y='{level}' width='{inner_width}' height='{fill}' \
             rx='14' fill='{accent}'/><rect x='{lid_x}' y='{lid}' width='{lid_width}' height='36' \
             rx='9' fill='{color}'/><path d='M{lid_x} {top}h{lid_width}v-6h-{lid_width}z' \
             fill='{dark}'/><rect x='{label_x}' y='{label_y}' width='48' height='30' rx='5' \
             fill='{light}'/><path d='M{glint} {glint_y}v{glint_height}' stroke='{PAPER}' \
             stroke-width='7' stroke-linecap='round' opacity='.7'/>"
        )
    };
    let (tall, middle, small) = paint.pick([(120, 200, 262), (200, 120, 240)]);
    let jars = [
        jar(68, tall, tall + 70, 124),
        jar(200, middle, middle + 50, 112),
        jar(320, small, small + 40, 96),
    ];
    shadow + &jars.concat()
}

fn candle(paint: &Paint) -> String {
    let [color, dark, light, accent, ..] = paint.shades();
    let shadow = paint.shadow(240, 390, 110);
    format!(
        "{shadow}<circle cx='240' cy='134' r='74' fill='#ffe9b0' opacity='.7'/>\
         <path d='M240 76q34 42 22 68 -8 18 -22 18t-22 -18q-12 -26 22 -68z' fill='#f5a63d'/>\
         <path d='M240 112q16 22 10 36 -4 8 -10 8t-10 -8q-6 -14 10 -36z' fill='#ffe08a'/>\
         <path d='M240 152v34' stroke='{INK}' stroke-width='6' stroke-linecap='round'/>\
         <path d='M144 192h192v162q0 32 -32 32H176q-32 0 -32 -32z' fill='{color}'/>\
         <path d='M286 192h50v162q0 32 -32 32h-48q30 -30 30 -70z' fill='{dark}' opacity='.55'/>\
         <ellipse cx='240' cy='192' rx='96' ry='20' fill='{light}'/>\
         <ellipse cx='240' cy='192' rx='80' ry='13' fill='{PAPER}'/>\
         <rect x='178' y='250' width='124' height='86' rx='6' fill='{PAPER}'/>\
         <path d='M200 312h80' stroke='{STEEL_DARK}' stroke-width='5' stroke-linecap='round'/>\
         <path d='M240 298q-26 -10 -22 -34 22 6 22 34zM240 298q26 -10 22 -34 -22 6 -22 34z' \
         fill='{accent}'/>"
    )
}
