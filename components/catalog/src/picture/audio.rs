//! Drawings of what makes, plays or records sound.

use super::Drawing;
use super::paint::{GLASS, INK, PAPER, Paint, STEEL, STEEL_DARK, WOOD, WOOD_DARK};

pub const DRAWINGS: &[Drawing] = &[
    ("headphones", headphones),
    ("earbuds", earbuds),
    ("speaker", speaker),
    ("soundbar", soundbar),
    ("microphone", microphone),
    ("lapel-microphone", lapel_microphone),
    ("turntable", turntable),
    ("radio", radio),
    ("piano", piano),
];

fn headphones(paint: &Paint) -> String {
    let [color, dark, light, accent, ..] = paint.shades();
    let (width, height, corner) = paint.pick([(66, 136, 32), (84, 124, 42), (56, 98, 26)]);
    let top = 286 - height / 2;
    let (left, right) = (128 - width / 2, 352 - width / 2);
    let pad_left = left + width - 12;
    let pad_right = right - 22;
    let (pad_top, pad) = (top + 10, height - 20);
    let cable = format!(
        "<path d='M128 350c0 70 70 20 80 70' fill='none' stroke='{INK}' stroke-width='7' \
         stroke-linecap='round'/>"
    );
    let cable = paint.pick([String::new(), cable, String::new()]);
    format!(
        "{cable}<path d='M128 270C116 30 364 30 352 270' fill='none' stroke='{dark}' \
         stroke-width='26' stroke-linecap='round'/>\
         <path d='M152 150C190 76 290 76 328 150' fill='none' stroke='{light}' \
         stroke-width='16' stroke-linecap='round'/>\
         <path d='M126 214v40M354 214v40' stroke='{STEEL}' stroke-width='14' \
         stroke-linecap='round'/>\
         <rect x='{pad_left}' y='{pad_top}' width='34' height='{pad}' rx='16' fill='{INK}'/>\
         <rect x='{pad_right}' y='{pad_top}' width='34' height='{pad}' rx='16' fill='{INK}'/>\
         <rect x='{left}' y='{top}' width='{width}' height='{height}' rx='{corner}' \
         fill='{color}'/><rect x='{right}' y='{top}' width='{width}' height='{height}' \
         rx='{corner}' fill='{color}'/><circle cx='124' cy='286' r='17' fill='{accent}'/>\
         <circle cx='356' cy='286' r='17' fill='{accent}'/>\
         <circle cx='124' cy='286' r='7' fill='{dark}'/><circle cx='356' cy='286' r='7' \
         fill='{dark}'/>"
    )
}

fn earbuds(paint: &Paint) -> String {
    let [color, dark, light, accent, ..] = paint.shades();
    let shadow = paint.shadow(240, 388, 120);
    let stem = format!(
        "<path d='M-13 0h26v82q0 13 -13 13t-13 -13z' fill='{light}'/>\
         <circle cx='0' cy='-6' r='36' fill='{light}'/><path d='M22 -34q26 10 24 34 -14 16 \
         -30 8z' fill='{INK}'/><circle cx='-8' cy='-8' r='12' fill='{dark}'/>\
         <path d='M0 68v14' stroke='{accent}' stroke-width='8' stroke-linecap='round'/>"
    );
    let hook = format!(
        "<path d='M-26 4C-60 -40 -20 -88 22 -64S44 -10 20 -4' fill='none' stroke='{dark}' \
         stroke-width='13' stroke-linecap='round'/><circle cx='0' cy='14' r='36' fill='{light}'/>\
         <circle cx='0' cy='14' r='18' fill='{accent}'/><path d='M24 -10q24 8 22 28 -12 16 -30 \
         10z' fill='{INK}'/>"
    );
    let bud = paint.pick([stem, hook]);
    format!(
        "{shadow}<g transform='translate(172 148) rotate(-8)'>{bud}</g>\
         <g transform='translate(308 148) scale(-1 1) rotate(-8)'>{bud}</g>\
         <path d='M130 274q0 -22 24 -22h172q24 0 24 22v14H130z' fill='{dark}'/>\
         <path d='M126 288h228v30q0 66 -66 66h-96q-66 0 -66 -66z' fill='{color}'/>\
         <path d='M126 288h228v12H126z' fill='{INK}' opacity='.35'/>\
         <circle cx='240' cy='336' r='8' fill='{accent}'/>"
    )
}

fn speaker(paint: &Paint) -> String {
    let [color, dark, light, accent, ..] = paint.shades();
    let shadow = paint.shadow(240, 394, 130);
    let mut mesh = String::new();
    for row in 0..9 {
        let (x, y) = (170 + row % 2 * 9, 164 + row * 24);
        mesh += &format!("M{x} {y}h136");
    }
    let can = format!(
        "<rect x='148' y='88' width='184' height='300' rx='66' fill='{color}'/>\
         <path d='M266 88q66 0 66 66v168q0 66 -66 66 30 -20 30 -66V154q0 -46 -30 -66z' \
         fill='{dark}'/><path d='{mesh}' stroke='{dark}' stroke-width='7' stroke-linecap='round' \
         stroke-dasharray='.1 18'/><rect x='200' y='104' width='80' height='26' rx='13' \
         fill='{dark}'/><path d='M218 117h10M252 117h10' stroke='{light}' stroke-width='6' \
         stroke-linecap='round'/><path d='M332 150q34 10 34 54v40' fill='none' \
         stroke='{accent}' stroke-width='14' stroke-linecap='round'/>\
         <rect x='206' y='350' width='68' height='14' rx='7' fill='{accent}'/>"
    );
    let box_with_cones = format!(
        "<rect x='80' y='108' width='146' height='276' rx='10' fill='{color}'/>\
         <path d='M210 108h6q10 0 10 10v256q0 10 -10 10h-6z' fill='{dark}'/>\
         <circle cx='153' cy='170' r='32' fill='{dark}'/><circle cx='153' cy='170' r='22' \
         fill='{accent}'/><circle cx='153' cy='170' r='8' fill='{GLASS}'/>\
         <circle cx='153' cy='290' r='60' fill='{dark}'/><circle cx='153' cy='290' r='48' \
         fill='{GLASS}'/><circle cx='153' cy='290' r='36' fill='{INK}'/>\
         <circle cx='153' cy='290' r='16' fill='{accent}'/>"
    );
    let pair = format!("{box_with_cones}<g transform='translate(174 0)'>{box_with_cones}</g>");
    shadow + &paint.pick([can, pair])
}

fn soundbar(paint: &Paint) -> String {
    let [color, dark, light, accent, ..] = paint.shades();
    let shadow = paint.shadow(240, 350, 190);
    format!(
        "{shadow}<rect x='300' y='124' width='124' height='216' rx='16' fill='{dark}'/>\
         <path d='M396 124h12q16 0 16 16v184q0 16 -16 16h-12z' fill='{INK}' opacity='.3'/>\
         <circle cx='348' cy='196' r='36' fill='{light}'/><circle cx='348' cy='196' r='29' \
         fill='{GLASS}'/><circle cx='348' cy='196' r='11' fill='{accent}'/><rect x='46' y='272' \
         width='350' height='72' rx='30' fill='{INK}'/>\
         <rect x='46' y='266' width='350' height='70' rx='30' fill='{color}'/>\
         <path d='M78 290h286M88 304h276M78 318h286' stroke='{dark}' stroke-width='6' \
         stroke-linecap='round' stroke-dasharray='.1 12'/>\
         <rect x='180' y='284' width='82' height='34' rx='8' fill='{GLASS}'/>\
         <path d='M194 301h30M236 301h12' stroke='{accent}' stroke-width='6' \
         stroke-linecap='round'/><path d='M84 276h272' stroke='{light}' stroke-width='4' \
         stroke-linecap='round'/>"
    )
}

fn microphone(paint: &Paint) -> String {
    let [color, dark, light, accent, ..] = paint.shades();
    let shadow = paint.shadow(240, 398, 96);
    let head = format!(
        "<rect x='182' y='76' width='116' height='152' rx='56' fill='{STEEL}'/>\
         <path d='M242 76q56 0 56 56v40q0 56 -56 56 22 -20 22 -56v-40q0 -36 -22 -56z' \
         fill='{STEEL_DARK}'/><path d='M186 112h108M182 140h116M184 168h112M214 84v124M240 78v136\
         M266 84v124' stroke='{INK}' stroke-width='3' opacity='.35'/>"
    );
    let studio = format!(
        "<path d='M150 200q0 120 90 120t90 -120' fill='none' stroke='{dark}' stroke-width='14' \
         stroke-linecap='round'/>{head}\
         <path d='M182 196h116v44q0 46 -58 46t-58 -46z' fill='{color}'/>\
         <path d='M182 190h116v16H182z' fill='{accent}'/>\
         <circle cx='240' cy='246' r='11' fill='{light}'/>\
         <path d='M240 320v62' stroke='{dark}' stroke-width='16'/>\
         <path d='M160 396q0 -24 30 -24h100q30 0 30 24z' fill='{color}'/>"
    );
    let desk = format!(
        "<g transform='rotate(24 240 200)'>{head}<path d='M192 222h96l-14 150q-2 18 -34 18t-34 \
         -18z' fill='{color}'/><path d='M252 222h36l-14 150q-2 18 -34 18 12 -80 12 -168z' \
         fill='{dark}'/><path d='M184 216q0 -10 10 -10h92q10 0 10 10v10q0 10 -10 10h-92\
         q-10 0 -10 -10z' fill='{accent}'/><rect x='226' y='262' width='22' height='40' rx='11' \
         fill='{light}'/></g><path d='M214 300L300 396M214 300L130 396M214 300v96' \
         stroke='{INK}' stroke-width='11' stroke-linecap='round'/>\
         <circle cx='214' cy='296' r='17' fill='{STEEL_DARK}'/>"
    );
    shadow + &paint.pick([studio, desk])
}

fn lapel_microphone(paint: &Paint) -> String {
    let [color, dark, light, accent, ..] = paint.shades();
    let clip = format!(
        "<path d='M262 250C250 400 130 300 120 410' fill='none' stroke='{INK}' \
         stroke-width='8' stroke-linecap='round'/>\
         <g transform='rotate(16 250 200)'><rect x='196' y='206' width='128' height='34' rx='9' \
         fill='{STEEL_DARK}'/><rect x='186' y='232' width='138' height='28' rx='9' \
         fill='{STEEL}'/><circle cx='312' cy='233' r='9' fill='{INK}'/>\
         <rect x='226' y='164' width='58' height='120' rx='20' fill='{color}'/>\
         <path d='M226 212h58v14h-58z' fill='{accent}'/>\
         <circle cx='255' cy='126' r='56' fill='{dark}'/>\
         <g fill='{light}' opacity='.7'><circle cx='235' cy='106' r='6'/>\
         <circle cx='262' cy='98' r='6'/><circle cx='284' cy='120' r='6'/>\
         <circle cx='246' cy='134' r='6'/><circle cx='270' cy='146' r='6'/>\
         <circle cx='224' cy='138' r='6'/></g></g>\
         <rect x='100' y='394' width='40' height='16' rx='6' fill='{STEEL}'/>"
    );
    let unit = format!(
        "<rect x='-42' y='-56' width='84' height='112' rx='18' fill='{color}'/>\
         <path d='M16 -56h8q18 0 18 18v76q0 18 -18 18h-8z' fill='{dark}'/>\
         <circle cx='0' cy='-24' r='14' fill='{GLASS}'/><circle cx='0' cy='-24' r='6' \
         fill='{accent}'/><path d='M-12 30h24' stroke='{light}' stroke-width='8' \
         stroke-linecap='round'/>"
    );
    let set = format!(
        "<rect x='78' y='258' width='324' height='122' rx='36' fill='{dark}'/>\
         <rect x='78' y='250' width='324' height='118' rx='36' fill='{INK}'/>\
         <path d='M96 318h288v14q0 36 -36 36H132q-36 0 -36 -36z' fill='{dark}'/>\
         <g transform='translate(156 200) rotate(-6)'><circle cy='-66' r='30' fill='{INK}'/>\
         {unit}</g><g transform='translate(324 200) rotate(6)'><circle cy='-66' r='30' \
         fill='{INK}'/>{unit}</g><rect x='204' y='224' width='72' height='98' rx='12' \
         fill='{STEEL}'/><rect x='214' y='236' width='52' height='40' rx='6' fill='{GLASS}'/>\
         <path d='M222 262v-6M232 262v-14M242 262v-10M252 262v-18' stroke='{accent}' \
         stroke-width='6' stroke-linecap='round'/><rect x='230' y='204' width='20' height='22' \
         rx='3' fill='{STEEL_DARK}'/>"
    );
    paint.pick([clip, set])
}

fn turntable(paint: &Paint) -> String {
    let [color, dark, light, accent, ..] = paint.shades();
    let (face, edge) = paint.pick([(color, dark), (WOOD, WOOD_DARK)]);
    let label = paint.pick([accent, color]);
    format!(
        "<rect x='70' y='108' width='340' height='284' rx='22' fill='{edge}'/>\
         <rect x='70' y='96' width='340' height='284' rx='22' fill='{face}'/>\
         <circle cx='204' cy='238' r='124' fill='{STEEL}'/>\
         <circle cx='204' cy='238' r='116' fill='{GLASS}'/>\
         <g fill='none' stroke='{PAPER}' stroke-width='2' opacity='.22'>\
         <circle cx='204' cy='238' r='98'/><circle cx='204' cy='238' r='82'/>\
         <circle cx='204' cy='238' r='66'/></g><path d='M204 238l-70 -92a116 116 0 0 1 70 -24z\
         M204 238l70 92a116 116 0 0 1 -70 24z' fill='{PAPER}' opacity='.1'/>\
         <circle cx='204' cy='238' r='44' fill='{label}'/><circle cx='204' cy='238' r='7' \
         fill='{PAPER}'/><circle cx='366' cy='142' r='26' fill='{light}'/>\
         <circle cx='366' cy='142' r='13' fill='{STEEL_DARK}'/>\
         <path d='M366 142v130l-56 58' fill='none' stroke='{STEEL}' stroke-width='10' \
         stroke-linejoin='round'/><path d='M322 314l-26 30 14 12 26 -30z' fill='{INK}'/>\
         <circle cx='372' cy='340' r='16' fill='{STEEL_DARK}'/>\
         <circle cx='372' cy='340' r='9' fill='{accent}'/>"
    )
}

fn radio(paint: &Paint) -> String {
    let [color, dark, light, accent, ..] = paint.shades();
    let shadow = paint.shadow(240, 388, 170);
    let dial = format!(
        "<rect x='262' y='206' width='120' height='58' rx='8' fill='{PAPER}'/>\
         <path d='M276 244h92' stroke='{STEEL_DARK}' stroke-width='3'/><path d='M276 244v-14\
         M294 244v-9M312 244v-14M330 244v-9M348 244v-14M366 244v-9' stroke='{INK}' \
         stroke-width='3'/><path d='M320 214v42' stroke='{accent}' stroke-width='5'/>"
    );
    let clock = format!(
        "<rect x='262' y='206' width='120' height='58' rx='8' fill='{GLASS}'/>\
         <path d='M280 220v30M296 220h16v15h-16v15h16M342 220h-14v30h14zM356 220v15h14v-15\
         M370 235v15' fill='none' stroke='{accent}' stroke-width='5' stroke-linecap='round' \
         stroke-linejoin='round'/><path d='M320 228h.1M320 243h.1' stroke='{accent}' \
         stroke-width='5' stroke-linecap='round'/>"
    );
    let display = paint.pick([dial, clock]);
    format!(
        "{shadow}<path d='M358 176L396 60' stroke='{STEEL_DARK}' stroke-width='7' \
         stroke-linecap='round'/><circle cx='396' cy='60' r='8' fill='{STEEL_DARK}'/>\
         <path d='M140 184v-24q0 -24 24 -24h132q24 0 24 24v24' fill='none' stroke='{dark}' \
         stroke-width='16'/><rect x='72' y='172' width='336' height='210' rx='28' \
         fill='{color}'/><rect x='88' y='188' width='304' height='178' rx='18' fill='{light}'/>\
         <circle cx='170' cy='277' r='72' fill='{dark}'/>\
         <g stroke='{light}' stroke-width='7' stroke-linecap='round' stroke-dasharray='.1 17'>\
         <path d='M136 232h70M120 254h104M112 277h120M120 300h104M136 322h70'/></g>\
         {display}<circle cx='294' cy='318' r='25' fill='{dark}'/><circle cx='354' cy='318' \
         r='25' fill='{dark}'/><path d='M294 318v-18M354 318l12 -12' stroke='{accent}' \
         stroke-width='6' stroke-linecap='round'/>"
    )
}

fn piano(paint: &Paint) -> String {
    let [color, dark, light, accent, ..] = paint.shades();
    let mut black = String::new();
    for key in [0, 1, 3, 4, 5, 7, 8, 10, 11] {
        let x = 80 + key * 26;
        black += &format!("M{x} 256h14v46h-14z");
    }
    format!(
        "<rect x='44' y='182' width='392' height='196' rx='20' fill='{INK}' opacity='.16'/>\
         <rect x='44' y='168' width='392' height='196' rx='20' fill='{color}'/>\
         <path d='M44 340h392v4q0 20 -20 20H64q-20 0 -20 -20z' fill='{dark}'/>\
         <path d='M62 256h356v84H62z' fill='{PAPER}'/><path d='M87 256v84M113 256v84M139 256v84\
         M165 256v84M191 256v84M217 256v84M243 256v84M269 256v84M295 256v84M321 256v84M347 256v84\
         M373 256v84M399 256v84' stroke='{STEEL}' stroke-width='3'/>\
         <path d='{black}M392 256h14v46h-14z' fill='{GLASS}'/>\
         <rect x='62' y='250' width='356' height='8' fill='{accent}'/>\
         <rect x='184' y='188' width='112' height='44' rx='7' fill='{GLASS}'/>\
         <path d='M198 210h40M250 210h18' stroke='{accent}' stroke-width='7' \
         stroke-linecap='round'/><g fill='{light}'><circle cx='86' cy='210' r='14'/>\
         <circle cx='126' cy='210' r='14'/><rect x='322' y='198' width='24' height='24' rx='5'/>\
         <rect x='354' y='198' width='24' height='24' rx='5'/><rect x='386' y='198' width='24' \
         height='24' rx='5'/></g>"
    )
}
