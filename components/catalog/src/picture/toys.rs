//! Drawings of toys and games, and of the parcel that stands for all that has no drawing.

use super::Drawing;
use super::color::Color;
use super::paint::{GLASS, INK, PAPER, Paint, STEEL, STEEL_DARK, WOOD, WOOD_DARK};

pub const DRAWINGS: &[Drawing] = &[
    ("puzzle", puzzle),
    ("blocks", blocks),
    ("robot", robot),
    ("train", train),
    ("bear", bear),
    ("board-game", board_game),
    ("cards", cards),
    ("kite", kite),
    ("car", car),
    ("rocket", rocket),
    ("xylophone", xylophone),
    ("house", house),
    ("parcel", parcel),
];

fn puzzle(paint: &Paint) -> String {
    let [color, dark, light, accent, ..] = paint.shades();
    // One piece of 130 points with a knob at its right and at its foot.
    let piece = "M0 0h130v44q34 -14 34 21t-34 21v44H86q14 34 -21 34t-21 -34H0V86q34 14 34 -21\
                 t-34 -21z";
    let turn = paint.pick([0, 90, 180]);
    format!(
        "<g transform='rotate({turn} 240 240)'><g transform='translate(108 104)'>\
         <path d='{piece}' fill='{color}'/></g>\
         <g transform='translate(238 104)'><path d='M0 0h130v130H86q14 -34 -21 -34t-21 34H0V86\
         q34 14 34 -21t-34 -21z' fill='{accent}'/></g>\
         <g transform='translate(108 234)'><path d='M0 0h44q-14 34 21 34t21 -34h44v44\
         q-34 -14 -34 21t34 21v44H0z' fill='{dark}'/></g>\
         <g transform='translate(266 262) rotate(14 65 65)'>\
         <path d='M0 44q-34 -14 -34 21t34 21v44h130V0H86q14 -34 -21 -34t-21 34H0z' \
         fill='{light}'/></g></g>"
    )
}

fn blocks(paint: &Paint) -> String {
    let [color, dark, light, accent, accent_dark, _] = paint.shades();
    let shadow = paint.shadow(240, 394, 160);
    let castle = format!(
        "<path d='M100 298h84v92h-84zM296 298h84v92h-84z' fill='{color}'/>\
         <path d='M162 298h22v92h-22zM358 298h22v92h-22z' fill='{dark}'/>\
         <path d='M184 390v-46a56 56 0 0 1 112 0v46h-28v-42a28 28 0 0 0 -56 0v42z' \
         fill='{WOOD}'/><path d='M184 298h112v46a56 56 0 0 0 -112 0z' fill='{WOOD_DARK}'/>\
         <rect x='100' y='256' width='280' height='44' fill='{accent}'/>\
         <path d='M100 286h280v14H100z' fill='{accent_dark}'/>\
         <rect x='128' y='168' width='84' height='88' fill='{light}'/>\
         <circle cx='170' cy='212' r='24' fill='{accent}'/>\
         <path d='M258 256l48 -84 48 84z' fill='{color}'/><path d='M306 172l48 84h-36z' \
         fill='{dark}'/><path d='M170 90l50 78H120z' fill='{accent}'/>\
         <path d='M170 90l50 78h-28z' fill='{accent_dark}'/>"
    );
    let stud = |x: i32, y: i32, count: i32, face: Color| {
        let width = count * 56;
        let studs: String = (0..count)
            .map(|place| {
                let stud_x = x + 13 + place * 56;
                let stud_y = y - 15;
                format!(
                    "<rect x='{stud_x}' y='{stud_y}' width='30' height='20' rx='4' \
                         fill='{face}'/>"
                )
            })
            .collect();
        let shade = y + 52;
        format!(
            "{studs}<rect x='{x}' y='{y}' width='{width}' height='66' rx='5' fill='{face}'/>\
             <path d='M{x} {shade}h{width}v9q0 5 -5 5H{x}z' fill='{INK}' opacity='.18'/>\
             <path d='M{x} {y}h{width}v7H{x}z' fill='{PAPER}' opacity='.3'/>"
        )
    };
    let bricks = [
        stud(100, 324, 3, color),
        stud(268, 324, 2, accent),
        stud(128, 258, 2, light),
        stud(240, 258, 3, dark),
        stud(184, 192, 2, accent),
        stud(212, 126, 1, color),
    ]
    .concat();
    shadow + &paint.pick([castle, bricks])
}

fn robot(paint: &Paint) -> String {
    let [color, dark, light, accent, ..] = paint.shades();
    let shadow = paint.shadow(240, 408, 110);
    let walker = format!(
        "<path d='M240 98V66' stroke='{STEEL_DARK}' stroke-width='9'/>\
         <circle cx='240' cy='58' r='15' fill='{accent}'/>\
         <path d='M196 340h34v48h-34zM250 340h34v48h-34z' fill='{STEEL_DARK}'/>\
         <path d='M180 404q0 -26 28 -26h24v26zM300 404q0 -26 -28 -26h-24v26z' fill='{dark}'/>\
         <path d='M152 236q-48 10 -42 84M328 236q48 10 42 84' fill='none' \
         stroke='{STEEL_DARK}' stroke-width='21' stroke-linecap='round'/>\
         <circle cx='110' cy='330' r='21' fill='{accent}'/><circle cx='370' cy='330' r='21' \
         fill='{accent}'/><rect x='150' y='214' width='180' height='140' rx='26' \
         fill='{color}'/><path d='M290 214h14q26 0 26 26v88q0 26 -26 26h-14z' fill='{dark}'/>\
         <rect x='176' y='240' width='94' height='58' rx='10' fill='{light}'/>\
         <path d='M188 270h18l8 -18 14 34 10 -16h20' fill='none' stroke='{accent}' \
         stroke-width='6' stroke-linejoin='round'/><path d='M186 326h.1M212 326h.1M238 326h.1' \
         stroke='{accent}' stroke-width='15' stroke-linecap='round'/>\
         <rect x='160' y='94' width='160' height='112' rx='30' fill='{color}'/>\
         <rect x='178' y='116' width='124' height='66' rx='22' fill='{GLASS}'/>\
         <circle cx='212' cy='146' r='14' fill='{accent}'/><circle cx='268' cy='146' r='14' \
         fill='{accent}'/><path d='M226 168q14 8 28 0' stroke='{PAPER}' stroke-width='5' \
         fill='none' stroke-linecap='round'/>"
    );
    let rover = format!(
        "<path d='M240 196v-60' stroke='{STEEL_DARK}' stroke-width='17'/>\
         <rect x='158' y='76' width='164' height='84' rx='30' fill='{color}'/>\
         <circle cx='202' cy='118' r='27' fill='{GLASS}'/><circle cx='278' cy='118' r='27' \
         fill='{GLASS}'/><circle cx='202' cy='118' r='12' fill='{accent}'/>\
         <circle cx='278' cy='118' r='12' fill='{accent}'/>\
         <path d='M140 246l-50 -40 -20 20M340 246l50 -40 20 20' fill='none' \
         stroke='{STEEL_DARK}' stroke-width='17' stroke-linejoin='round' \
         stroke-linecap='round'/><path d='M140 214q0 -22 22 -22h156q22 0 22 22v92H140z' \
         fill='{color}'/><path d='M300 192h18q22 0 22 22v92h-40z' fill='{dark}'/>\
         <rect x='166' y='218' width='104' height='60' rx='10' fill='{light}'/>\
         <path d='M186 248h.1M218 248h.1M250 248h.1' stroke='{accent}' stroke-width='19' \
         stroke-linecap='round'/><rect x='96' y='304' width='288' height='96' rx='48' \
         fill='{INK}'/><g fill='{STEEL_DARK}'><circle cx='146' cy='352' r='30'/>\
         <circle cx='240' cy='352' r='30'/><circle cx='334' cy='352' r='30'/></g>\
         <g fill='{accent}'><circle cx='146' cy='352' r='12'/><circle cx='240' cy='352' r='12'/>\
         <circle cx='334' cy='352' r='12'/></g>"
    );
    shadow + &paint.pick([walker, rover])
}

fn train(paint: &Paint) -> String {
    let [color, dark, light, accent, ..] = paint.shades();
    let shadow = paint.shadow(240, 392, 190);
    let wheel = format!(
        "<circle r='32' fill='{INK}'/><circle r='20' fill='{accent}'/><circle r='7' \
         fill='{PAPER}'/>"
    );
    format!(
        "{shadow}<g fill='{PAPER}' opacity='.9'><circle cx='362' cy='110' r='24'/>\
         <circle cx='396' cy='80' r='18'/><circle cx='418' cy='56' r='11'/></g>\
         <path d='M322 204l-10 -62h64l-10 62z' fill='{dark}'/>\
         <path d='M304 138h80v17h-80z' fill='{accent}'/>\
         <path d='M92 142h132v200H92z' fill='{color}'/><path d='M190 142h34v200h-34z' \
         fill='{dark}'/><path d='M76 122h164q9 0 9 9v15H67v-15q0 -9 9 -9z' fill='{accent}'/>\
         <rect x='114' y='172' width='78' height='66' rx='9' fill='{PAPER}'/>\
         <path d='M224 200h150q40 0 40 44v98H224z' fill='{light}'/>\
         <path d='M224 290h190v52H224z' fill='{color}'/>\
         <path d='M262 200h15v90h-15zM320 200h15v90h-15z' fill='{accent}'/>\
         <circle cx='404' cy='232' r='15' fill='#ffe08a'/>\
         <path d='M78 334h352l16 38h-62l-10 -18H78z' fill='{dark}'/>\
         <g transform='translate(128 360)'>{wheel}</g><g transform='translate(216 360)'>{wheel}</g>\
         <g transform='translate(304 360)'>{wheel}</g><path d='M128 360h176' \
         stroke='{STEEL_DARK}' stroke-width='9' stroke-linecap='round'/>"
    )
}

fn bear(paint: &Paint) -> String {
    let [color, dark, light, accent, ..] = paint.shades();
    let shadow = paint.shadow(240, 408, 130);
    let ears = paint.pick([
        format!(
            "<circle cx='170' cy='98' r='38' fill='{color}'/><circle cx='310' cy='98' r='38' \
             fill='{color}'/><circle cx='170' cy='98' r='21' fill='{light}'/>\
             <circle cx='310' cy='98' r='21' fill='{light}'/>"
        ),
        format!(
            "<ellipse cx='196' cy='74' rx='25' ry='66' fill='{color}' \
             transform='rotate(-10 196 74)'/><ellipse cx='284' cy='74' rx='25' ry='66' \
             fill='{color}' transform='rotate(10 284 74)'/>\
             <ellipse cx='196' cy='78' rx='12' ry='46' fill='{accent}' \
             transform='rotate(-10 196 74)'/><ellipse cx='284' cy='78' rx='12' ry='46' \
             fill='{accent}' transform='rotate(10 284 74)'/>"
        ),
    ]);
    format!(
        "{shadow}<ellipse cx='142' cy='280' rx='34' ry='56' transform='rotate(28 142 280)' \
         fill='{dark}'/><ellipse cx='338' cy='280' rx='34' ry='56' transform='rotate(-28 338 280)' \
         fill='{dark}'/><ellipse cx='240' cy='308' rx='96' ry='94' fill='{color}'/>\
         <ellipse cx='240' cy='320' rx='58' ry='60' fill='{light}'/>\
         <circle cx='158' cy='372' r='42' fill='{color}'/><circle cx='322' cy='372' r='42' \
         fill='{color}'/><circle cx='158' cy='374' r='23' fill='{light}'/>\
         <circle cx='322' cy='374' r='23' fill='{light}'/>{ears}\
         <ellipse cx='240' cy='154' rx='98' ry='86' fill='{color}'/>\
         <ellipse cx='240' cy='184' rx='46' ry='36' fill='{light}'/>\
         <circle cx='202' cy='140' r='10' fill='{INK}'/><circle cx='278' cy='140' r='10' \
         fill='{INK}'/><path d='M224 168h32q0 20 -16 20t-16 -20z' fill='{INK}'/>\
         <path d='M240 186v10M222 196q18 14 36 0' stroke='{INK}' stroke-width='5' fill='none' \
         stroke-linecap='round'/><path d='M240 246l-46 -22v46zM240 246l46 -22v46z' \
         fill='{accent}'/><circle cx='240' cy='246' r='12' fill='{accent}'/>"
    )
}

fn board_game(paint: &Paint) -> String {
    let [color, dark, light, accent, _, accent_light] = paint.shades();
    let die = format!(
        "<rect x='-36' y='-36' width='72' height='72' rx='15' fill='{PAPER}'/>\
         <path d='M-16 -16h.1M16 16h.1M0 0h.1M16 -16h.1M-16 16h.1' stroke='{INK}' \
         stroke-width='13' stroke-linecap='round'/>"
    );
    let pawn = "<path d='M-28 40q4 -34 18 -48a24 24 0 1 1 20 0q14 14 18 48z'/>";
    let squares: String = (0..32)
        .map(|place| {
            let (x, y) = (
                112 + (place % 4 * 2 + place / 4 % 2) * 32,
                84 + place / 4 * 32,
            );
            format!("M{x} {y}h32v32h-32z")
        })
        .collect();
    let chess = format!(
        "<rect x='98' y='72' width='290' height='290' rx='12' fill='{INK}' opacity='.16' \
         transform='translate(6 12)'/><rect x='96' y='68' width='288' height='288' rx='12' \
         fill='{dark}'/><path d='M112 84h256v256H112z' fill='{accent_light}'/>\
         <path d='{squares}' fill='{color}'/><g transform='translate(192 238) scale(1.2)' \
         fill='{INK}'>{pawn}</g><g transform='translate(288 270) scale(1.2)' fill='{PAPER}' \
         stroke='{STEEL_DARK}' stroke-width='3'>{pawn}</g>"
    );
    let race = format!(
        "<rect x='76' y='116' width='328' height='248' rx='18' fill='{INK}' opacity='.16' \
         transform='translate(6 12)'/><rect x='76' y='110' width='328' height='248' rx='18' \
         fill='{color}'/><rect x='92' y='126' width='296' height='216' rx='10' \
         fill='{accent_light}'/><path d='M118 310h120c46 0 46 -66 0 -66h-60c-46 0 -46 -78 0 -78\
         h166' fill='none' stroke='{PAPER}' stroke-width='42' stroke-linecap='round'/>\
         <path d='M118 310h120c46 0 46 -66 0 -66h-60c-46 0 -46 -78 0 -78h166' fill='none' \
         stroke='{light}' stroke-width='30' stroke-linecap='round' stroke-dasharray='.1 40'/>\
         <circle cx='344' cy='166' r='25' fill='{accent}'/>\
         <g transform='translate(158 288)' fill='{accent}'>{pawn}</g>\
         <g transform='translate(218 222)' fill='{dark}'>{pawn}</g>\
         <g transform='translate(346 318) rotate(16)'>{die}</g>"
    );
    paint.pick([race, chess])
}

fn cards(paint: &Paint) -> String {
    let [color, dark, light, accent, ..] = paint.shades();
    let symbol = paint.pick([
        "<path d='M0 52q-62 -44 -44 -82 24 -30 44 4 20 -34 44 -4 18 38 -44 82z'/>",
        "<path d='M0 -58q40 40 54 68 6 34 -26 36 -14 0 -22 -14 0 16 14 26h-40q14 -10 14 -26 -8 14 \
         -22 14 -32 -2 -26 -36 14 -28 54 -68z'/>",
    ]);
    let card = "<rect x='-84' y='-122' width='168' height='244' rx='17'";
    format!(
        "<g transform='translate(172 258) rotate(-20)'>{card} fill='{INK}' opacity='.15' \
         transform='translate(6 10)'/>{card} fill='{color}'/><rect x='-70' y='-108' width='140' \
         height='216' rx='10' fill='none' stroke='{light}' stroke-width='6'/>\
         <path d='M0 -70l48 70 -48 70 -48 -70z' fill='{dark}'/></g>\
         <g transform='translate(236 240) rotate(-3)'>{card} fill='{INK}' opacity='.15' \
         transform='translate(6 8)'/>{card} fill='{light}'/></g>\
         <g transform='translate(304 246) rotate(14)'>{card} fill='{INK}' opacity='.15' \
         transform='translate(6 8)'/>{card} fill='{PAPER}'/><g fill='{accent}'>{symbol}\
         <g transform='translate(-60 -92) scale(.26)'>{symbol}</g>\
         <g transform='translate(60 92) rotate(180) scale(.26)'>{symbol}</g></g></g>"
    )
}

fn kite(paint: &Paint) -> String {
    let [color, dark, light, accent, accent_dark, _] = paint.shades();
    let bow = format!("<path d='M0 0l-22 -13v26zM0 0l22 -13v26z' fill='{accent}'/>");
    format!(
        "<path d='M208 298C160 340 250 372 196 404S120 404 92 436' fill='none' \
         stroke='{INK}' stroke-width='4'/><g transform='translate(204 342) rotate(30)'>{bow}</g>\
         <g transform='translate(206 394) rotate(-24)'>{bow}</g>\
         <g transform='translate(136 412) rotate(12)'>{bow}</g>\
         <path d='M290 56L150 150 208 298z' fill='{light}'/>\
         <path d='M290 56l66 150 -148 92z' fill='{color}'/>\
         <path d='M290 56l66 150 -96 -40z' fill='{dark}'/>\
         <path d='M150 150l110 16 -52 132z' fill='{accent}'/>\
         <path d='M260 166l96 40 -148 92z' fill='{accent_dark}' opacity='.45'/>\
         <path d='M290 56l-82 242M150 150l206 56' stroke='{INK}' stroke-width='4'/>"
    )
}

fn car(paint: &Paint) -> String {
    let [color, dark, light, accent, ..] = paint.shades();
    let shadow = paint.shadow(240, 368, 190);
    let wheel = format!(
        "<circle r='44' fill='{INK}'/><circle r='27' fill='{STEEL}'/><circle r='11' \
         fill='{accent}'/>"
    );
    let racer = format!(
        "<path d='M56 296q0 -36 50 -42l92 -12q30 -42 82 -42 44 0 56 40 88 8 94 44v30q0 14 -14 14H72\
         q-16 0 -16 -16z' fill='{color}'/><path d='M222 240q22 -24 54 -24 26 0 34 26z' \
         fill='{GLASS}'/><path d='M66 210h62v14l-16 4v28H90v-28l-24 -4z' fill='{accent}'/>\
         <path d='M56 296h374v20q0 12 -14 12H72q-16 0 -16 -16z' fill='{dark}'/>\
         <circle cx='232' cy='284' r='27' fill='{PAPER}'/><path d='M226 272l10 -4v32' \
         stroke='{INK}' stroke-width='7' fill='none' stroke-linecap='round'/>"
    );
    let wagon = format!(
        "<path d='M92 244l30 -86q8 -22 32 -22h140q20 0 34 18l62 86q40 6 40 44v36q0 12 -12 12H62\
         q-14 0 -14 -14v-44q0 -26 44 -30z' fill='{color}'/>\
         <path d='M138 170q4 -10 16 -10h58v76h-98zM232 160h58q10 0 18 10l46 66H232z' \
         fill='{PAPER}'/><path d='M48 288h382v32q0 12 -12 12H62q-14 0 -14 -14z' fill='{dark}'/>\
         <path d='M120 128h170' stroke='{WOOD_DARK}' stroke-width='13' stroke-linecap='round'/>\
         <path d='M150 122v-16h112v16z' fill='{accent}'/><path d='M246 262h24' \
         stroke='{light}' stroke-width='8' stroke-linecap='round'/>\
         <circle cx='412' cy='268' r='13' fill='#ffe08a'/>"
    );
    let body = paint.pick([racer, wagon]);
    format!(
        "{shadow}{body}<g transform='translate(136 324)'>{wheel}</g>\
         <g transform='translate(346 324)'>{wheel}</g>"
    )
}

fn rocket(paint: &Paint) -> String {
    let [color, dark, light, accent, accent_dark, _] = paint.shades();
    format!(
        "<path d='M96 108h.1M380 132h.1M118 236h.1M394 290h.1M80 330h.1' stroke='{accent}' \
         stroke-width='14' stroke-linecap='round'/><g transform='rotate(14 240 240)'>\
         <path d='M206 352q34 24 68 0 -4 60 -34 88 -30 -28 -34 -88z' fill='#f5a63d'/>\
         <path d='M222 356q18 12 36 0 -2 34 -18 52 -16 -18 -18 -52z' fill='#ffe08a'/>\
         <path d='M178 250l-62 76v54l72 -34zM302 250l62 76v54l-72 -34z' fill='{accent}'/>\
         <path d='M302 250l62 76v54l-72 -34z' fill='{accent_dark}'/>\
         <path d='M240 44q78 74 78 196 0 70 -32 118h-92q-32 -48 -32 -118 0 -122 78 -196z' \
         fill='{color}'/><path d='M240 44q78 74 78 196 0 70 -32 118h-40q44 -150 -6 -314z' \
         fill='{dark}' opacity='.5'/><path d='M240 44q36 34 56 82 -56 22 -112 0 20 -48 56 -82z' \
         fill='{accent}'/><circle cx='240' cy='204' r='42' fill='{light}'/>\
         <circle cx='240' cy='204' r='30' fill='{GLASS}'/><path d='M224 204q2 -16 18 -18' \
         stroke='{PAPER}' stroke-width='6' fill='none' stroke-linecap='round'/>\
         <path d='M172 300h136v17H176z' fill='{light}'/>\
         <path d='M196 340h88v24h-88z' fill='{STEEL_DARK}'/></g>"
    )
}

fn xylophone(paint: &Paint) -> String {
    let [color, dark, light, accent, accent_dark, accent_light] = paint.shades();
    let mut bars = String::new();
    let shades = [color, accent, light, accent_dark, dark, accent_light, color];
    for (place, shade) in (0..).zip(shades) {
        let (x, top) = (70 + place * 49, 128 + place * 11);
        let height = 250 - place * 22;
        let (middle, upper, lower) = (x + 21, top + 19, top + height - 19);
        bars += &format!(
            "<rect x='{x}' y='{top}' width='42' height='{height}' rx='10' fill='{shade}'/>\
             <path d='M{middle} {upper}h.1M{middle} {lower}h.1' stroke='{PAPER}' \
             stroke-width='11' stroke-linecap='round'/>"
        );
    }
    format!(
        "<path d='M62 176L420 214M62 330L420 292' stroke='{WOOD}' stroke-width='30' \
         stroke-linecap='round'/>{bars}\
         <path d='M226 436L398 376' stroke='{WOOD_DARK}' stroke-width='10' \
         stroke-linecap='round'/><circle cx='402' cy='374' r='21' fill='{accent}'/>"
    )
}

fn house(paint: &Paint) -> String {
    let [color, dark, light, accent, accent_dark, _] = paint.shades();
    let shadow = paint.shadow(240, 398, 170);
    let window = format!(
        "<rect x='-26' y='-26' width='52' height='52' rx='4' fill='{PAPER}'/>\
         <path d='M0 -26v52M-26 0h52' stroke='{dark}' stroke-width='5'/>"
    );
    format!(
        "{shadow}<path d='M310 118h36v60h-36z' fill='{accent_dark}'/>\
         <path d='M106 210h268v184H106z' fill='{color}'/>\
         <path d='M330 210h44v184h-44z' fill='{dark}' opacity='.5'/>\
         <path d='M240 72L74 222q-6 8 4 8h324q10 0 4 -8z' fill='{accent}'/>\
         <path d='M240 72l166 150q6 8 -4 8h-66z' fill='{accent_dark}'/>\
         <circle cx='240' cy='168' r='26' fill='{PAPER}'/>\
         <path d='M240 142v52M214 168h52' stroke='{dark}' stroke-width='5'/>\
         <g transform='translate(166 280)'>{window}</g><g transform='translate(316 280)'>{window}\
         </g><path d='M208 394v-92q0 -32 32 -32t32 32v92z' fill='{light}'/>\
         <circle cx='258' cy='340' r='6' fill='{accent}'/>\
         <path d='M128 328h76M278 328h76' stroke='{WOOD_DARK}' stroke-width='13' \
         stroke-linecap='round'/><path d='M146 322q-10 -18 4 -22M166 322q0 -20 4 -24M186 322\
         q10 -18 -2 -22M296 322q-10 -18 4 -22M316 322q0 -20 4 -24M336 322q10 -18 -2 -22' \
         stroke='#6fa86b' stroke-width='7' fill='none' stroke-linecap='round'/>"
    )
}

/// What is drawn for a kind that is not known.
pub fn parcel(paint: &Paint) -> String {
    let [color, dark, light, accent, accent_dark, _] = paint.shades();
    let shadow = paint.shadow(240, 394, 160);
    format!(
        "{shadow}<path d='M90 180l150 54v156L104 340q-14 -6 -14 -20z' fill='{color}'/>\
         <path d='M390 180l-150 54v156l136 -50q14 -6 14 -20z' fill='{dark}'/>\
         <path d='M240 124l150 56 -150 54 -150 -54z' fill='{light}'/>\
         <path d='M152 158l150 54v62l40 -14v-62L190 142z' fill='{accent}'/>\
         <path d='M302 212v62l40 -14v-62z' fill='{accent_dark}'/>\
         <path d='M116 300l44 16M116 322l28 10' stroke='{PAPER}' stroke-width='8' \
         stroke-linecap='round'/>"
    )
}
