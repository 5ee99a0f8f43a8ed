//! Drawings of books, paper and what writes on it.

use super::Drawing;
use super::color::Color;
use super::paint::{INK, LEAF, PAPER, Paint, STEEL, STEEL_DARK, WOOD, WOOD_DARK};

pub const DRAWINGS: &[Drawing] = &[
    ("book", book),
    ("notebook", notebook),
    ("pen", pen),
    ("pencils", pencils),
    ("envelope", envelope),
    ("calendar", calendar),
    ("paint-box", paint_box),
    ("sticky-notes", sticky_notes),
];

fn book(paint: &Paint) -> String {
    let [color, dark, light, accent, accent_dark, accent_light] = paint.shades();
    let cover = paint.pick([
        format!(
            "<circle cx='252' cy='250' r='54' fill='{accent}'/><path d='M156 338l62 -76 36 40 28 \
             -30 54 66v36H156z' fill='{accent_dark}'/>"
        ),
        format!(
            "<path d='M246 336q-60 -40 -40 -116 52 34 40 116zM246 336q60 -40 40 -116 -52 34 -40 \
             116z' fill='{LEAF}'/><path d='M246 350v-90' stroke='{PAPER}' stroke-width='6'/>\
             <circle cx='246' cy='214' r='24' fill='{accent}'/>"
        ),
        format!(
            "<path d='M194 236h96v64q0 40 -48 40t-48 -40zM290 252h16q18 0 18 20t-18 20h-16' \
             fill='none' stroke='{accent}' stroke-width='14'/><path d='M222 214q-10 -14 0 -28M254 \
             214q-10 -14 0 -28' stroke='{accent_light}' stroke-width='8' fill='none' \
             stroke-linecap='round'/>"
        ),
        format!(
            "<g fill='none' stroke='{accent}' stroke-width='7'><circle cx='248' cy='272' \
             r='70'/><ellipse cx='248' cy='272' rx='32' ry='70'/><path d='M178 272h140M190 238h116\
             M190 306h116'/></g>"
        ),
        format!(
            "<path d='M250 196l22 48 52 6 -38 36 10 52 -46 -26 -46 26 10 -52 -38 -36 52 -6z' \
             fill='{accent}'/><path d='M176 206h.1M326 206h.1M172 344h.1M330 344h.1' \
             stroke='{accent_light}' stroke-width='15' stroke-linecap='round'/>"
        ),
        format!(
            "<path d='M156 300q30 -30 60 0t60 0 60 0v74H156z' fill='{accent}'/>\
             <path d='M156 330q30 -30 60 0t60 0 60 0v44H156z' fill='{accent_dark}'/>\
             <path d='M246 196v88M252 204q50 20 52 70h-52z' fill='{PAPER}' stroke='{PAPER}' \
             stroke-width='5'/><path d='M196 284h110l-16 24h-78z' fill='{accent_light}'/>"
        ),
    ]);
    format!(
        "<path d='M142 92h222q10 0 10 10v312H142z' fill='{INK}' opacity='.16'/>\
         <path d='M124 96q0 -24 24 -24h206v322H148q-24 0 -24 -24z' fill='{dark}'/>\
         <path d='M136 368q0 -12 14 -12h198v26H150q-14 0 -14 -14z' fill='{PAPER}'/>\
         <path d='M146 366h202M150 374h198' stroke='{STEEL}' stroke-width='3'/>\
         <path d='M124 96q0 -24 24 -24h206v286H148q-18 0 -24 12z' fill='{color}'/>\
         <path d='M124 96q0 -24 24 -24h-2v286q-16 0 -22 12z' fill='{light}'/>\
         <path d='M180 106h142M206 132h90' stroke='{PAPER}' stroke-width='13' \
         stroke-linecap='round'/><svg x='150' y='72' width='204' height='284' \
         viewBox='150 72 204 284'><g transform='translate(0 -8)'>{cover}</g></svg>"
    )
}

fn notebook(paint: &Paint) -> String {
    let [color, dark, light, accent, ..] = paint.shades();
    let spiral = format!(
        "<g stroke='{STEEL_DARK}' stroke-width='7' stroke-linecap='round'><path d='M112 108h34\
         M112 140h34M112 172h34M112 204h34M112 236h34M112 268h34M112 300h34M112 332h34M112 364h34'\
         /></g><rect x='196' y='130' width='122' height='72' rx='7' fill='{PAPER}'/>\
         <path d='M216 156h82M216 178h54' stroke='{STEEL_DARK}' stroke-width='6' \
         stroke-linecap='round'/><path d='M168 330h200v18H168z' fill='{accent}'/>"
    );
    let banded = format!(
        "<path d='M126 74h26v332h-26q-4 0 -4 -4V78q0 -4 4 -4z' fill='{dark}'/>\
         <path d='M324 74h16v332h-16z' fill='{accent}'/>\
         <path d='M214 392h18v40l-9 -9 -9 9z' fill='{accent}'/>\
         <path d='M186 130h100M186 152h60' stroke='{light}' stroke-width='7' \
         stroke-linecap='round'/>"
    );
    let stitched = format!(
        "<path d='M134 84v312' stroke='{light}' stroke-width='5' stroke-dasharray='13 9'/>\
         <path d='M182 286q66 -150 140 -150 -8 106 -140 150z' fill='{accent}'/>\
         <path d='M170 306q50 -84 118 -140' stroke='{PAPER}' stroke-width='5' fill='none'/>\
         <path d='M180 344h140' stroke='{light}' stroke-width='8' stroke-linecap='round'/>"
    );
    let front = paint.pick([spiral, banded, stitched]);
    format!(
        "<rect x='132' y='88' width='248' height='332' rx='12' fill='{INK}' opacity='.15'/>\
         <rect x='128' y='80' width='246' height='330' rx='10' fill='{PAPER}'/>\
         <path d='M371 90v310M366 90v310' stroke='{STEEL}' stroke-width='2'/>\
         <rect x='122' y='74' width='240' height='332' rx='12' fill='{color}'/>{front}"
    )
}

fn pen(paint: &Paint) -> String {
    let [color, dark, light, accent, ..] = paint.shades();
    let fountain = format!(
        "<g transform='rotate(40 240 240)'><rect x='222' y='52' width='48' height='230' rx='20' \
         transform='translate(12 12)' fill='{INK}' opacity='.14'/>\
         <path d='M216 66q0 -22 24 -22t24 22v210h-48z' fill='{color}'/>\
         <path d='M246 44q18 2 18 22v210h-18z' fill='{dark}'/>\
         <path d='M216 150h48v14h-48zM214 270h52v16h-52z' fill='{accent}'/>\
         <path d='M266 82q10 0 10 10v72l-6 8h-8V82z' fill='{accent}'/>\
         <path d='M218 286h44l-6 60h-32z' fill='{INK}'/>\
         <path d='M226 346h28q4 34 -14 76 -18 -42 -14 -76z' fill='{STEEL}'/>\
         <path d='M240 376v44' stroke='{INK}' stroke-width='3'/>\
         <circle cx='240' cy='372' r='5' fill='{INK}'/>\
         <path d='M226 72v66' stroke='{light}' stroke-width='6' stroke-linecap='round'/></g>\
         <path d='M70 396q34 -34 50 0t48 0' fill='none' stroke='{accent}' stroke-width='6' \
         stroke-linecap='round'/>"
    );
    let gel = |x: i32, tilt: i32, body: Color| {
        format!(
            "<g transform='translate({x} 240) rotate({tilt})'>\
             <rect x='-19' y='-170' width='38' height='250' rx='15' fill='{body}'/>\
             <path d='M6 -168q13 2 13 14V80H6z' fill='{INK}' opacity='.2'/>\
             <path d='M-19 60h38v44q-6 36 -19 62 -13 -26 -19 -62z' fill='{STEEL}'/>\
             <path d='M-6 142h12l-6 24z' fill='{body}'/>\
             <path d='M19 -150h8q5 0 5 5v76q0 5 -5 5h-8z' fill='{INK}'/>\
             <path d='M-9 -140v120' stroke='{PAPER}' stroke-width='4' stroke-linecap='round' \
             opacity='.55'/></g>"
        )
    };
    let trio = [
        gel(146, -12, color),
        gel(240, 0, accent),
        gel(334, 12, light),
    ]
    .concat();
    paint.pick([fountain, trio])
}

fn pencils(paint: &Paint) -> String {
    let [color, dark, light, accent, accent_dark, accent_light] = paint.shades();
    let shadow = paint.shadow(240, 404, 96);
    let mut pencils = String::new();
    let shades = [accent, light, accent_dark, STEEL_DARK, accent_light, dark];
    for ((x, top), shade) in [
        (158, 96),
        (188, 70),
        (220, 104),
        (252, 62),
        (284, 92),
        (312, 118),
    ]
    .into_iter()
    .zip(shades)
    {
        let (tip, shoulder) = (top - 26, top + 14);
        let right = x + 24;
        let middle = x + 12;
        let (lead_left, lead_right) = (middle - 5, middle + 5);
        let lead = tip + 11;
        pencils += &format!(
            "<path d='M{x} 250V{shoulder}L{middle} {tip}l12 40v236z' fill='{WOOD}'/>\
             <path d='M{lead_left} {lead}L{middle} {tip}L{lead_right} {lead}z' fill='{shade}'/>\
             <path d='M{x} 280V{shoulder}q6 8 12 0t12 0v266H{right}z' fill='{shade}'/>"
        );
    }
    format!(
        "{shadow}{pencils}<path d='M144 226h192v152q0 20 -20 20H164q-20 0 -20 -20z' \
         fill='{color}'/><path d='M292 226h44v152q0 20 -20 20h-44q20 -40 20 -90z' fill='{dark}' \
         opacity='.5'/><rect x='136' y='216' width='208' height='22' rx='9' fill='{light}'/>\
         <circle cx='232' cy='316' r='31' fill='{PAPER}'/><path d='M218 330l18 -36 8 4 -18 36 -10 \
         6z' fill='{accent}'/>"
    )
}

fn envelope(paint: &Paint) -> String {
    let [color, dark, light, accent, ..] = paint.shades();
    format!(
        "<rect x='88' y='180' width='320' height='210' rx='10' fill='{INK}' opacity='.15'/>\
         <g transform='rotate(-7 240 190)'><rect x='116' y='72' width='236' height='200' rx='8' \
         fill='{PAPER}'/><path d='M234 196q-62 -34 -44 -70 22 -30 44 2 22 -32 44 -2 18 36 -44 70z' \
         fill='{accent}'/></g><path d='M80 176q0 -8 8 -8h304q8 0 8 8v196q0 10 -10 10H90q-10 0 \
         -10 -10z' fill='{dark}'/><path d='M80 172l160 116 160 -116v200q0 10 -10 10H90q-10 0 -10 \
         -10z' fill='{color}'/><path d='M82 378l132 -112q26 -18 52 0l132 112q-4 4 -8 4H90q-4 0 -8 \
         -4z' fill='{light}'/><circle cx='240' cy='296' r='24' fill='{accent}'/>\
         <path d='M232 296l6 7 11 -13' stroke='{PAPER}' stroke-width='6' fill='none' \
         stroke-linecap='round' stroke-linejoin='round'/>"
    )
}

fn calendar(paint: &Paint) -> String {
    let [color, dark, light, accent, ..] = paint.shades();
    let art = paint.landscape(108, 112, 264, 138);
    let mut days = String::new();
    for day in 0..21 {
        let (x, y) = (132 + day % 7 * 36, 296 + day / 7 * 32);
        days += &format!("M{x} {y}h.1");
    }
    format!(
        "<rect x='104' y='100' width='288' height='306' rx='10' fill='{INK}' opacity='.16'/>\
         <rect x='96' y='92' width='288' height='304' rx='10' fill='{PAPER}'/>{art}\
         <path d='M96 102q0 -10 10 -10h268q10 0 10 10v18H96z' fill='{color}'/>\
         <path d='M122 266h76' stroke='{dark}' stroke-width='11' stroke-linecap='round'/>\
         <path d='{days}' stroke='{STEEL}' stroke-width='19' stroke-linecap='round'/>\
         <path d='M240 328h.1M312 296h.1' stroke='{accent}' stroke-width='23' \
         stroke-linecap='round'/><path d='M132 92h216' stroke='{light}' stroke-width='10' \
         stroke-dasharray='5 9'/><path d='M222 92q0 -24 18 -24t18 24' fill='none' \
         stroke='{STEEL_DARK}' stroke-width='6'/>"
    )
}

fn paint_box(paint: &Paint) -> String {
    let [color, dark, light, accent, ..] = paint.shades();
    let mut pans = String::new();
    let tints = [
        "#f2c14e", "#f08a4b", "#d95d5d", "#b75d9b", "#6b6fc4", "#4a90c2", "#4fae9a", "#6fa85b",
        "#9c7a54", "#3c4254",
    ];
    for (x, tint) in (0..5).map(|column| 92 + column * 52).cycle().zip(tints) {
        let y = if pans.matches("<rect").count() < 5 {
            236
        } else {
            296
        };
        pans += &format!("<rect x='{x}' y='{y}' width='42' height='48' rx='8' fill='{tint}'/>");
    }
    format!(
        "<path d='M82 92h276q14 0 14 14v98H68v-98q0 -14 14 -14z' fill='{dark}'/>\
         <path d='M92 108h256v88H92z' fill='{PAPER}'/><circle cx='138' cy='152' r='25' \
         fill='{light}'/><circle cx='220' cy='150' r='31' fill='{accent}'/>\
         <circle cx='302' cy='154' r='22' fill='{color}'/>\
         <rect x='76' y='214' width='312' height='162' rx='16' fill='{INK}' opacity='.15'/>\
         <rect x='68' y='204' width='304' height='162' rx='16' fill='{color}'/>\
         <rect x='80' y='226' width='280' height='128' rx='8' fill='{PAPER}'/>{pans}\
         <g transform='translate(-24 0) rotate(24 400 250)'><rect x='390' y='86' width='19' \
         height='210' rx='9' \
         fill='{WOOD_DARK}'/><path d='M388 290h23v38h-23z' fill='{STEEL}'/>\
         <path d='M387 326h25q6 34 -12 62 -18 -28 -13 -62z' fill='{INK}'/>\
         <path d='M391 356h18q0 16 -9 32 -9 -16 -9 -32z' fill='{accent}'/></g>"
    )
}

fn sticky_notes(paint: &Paint) -> String {
    let [color, dark, light, accent, _, accent_light] = paint.shades();
    format!(
        "<g transform='rotate(7 260 220)'><rect x='200' y='92' width='190' height='190' \
         fill='{INK}' opacity='.14' transform='translate(8 10)'/>\
         <rect x='200' y='92' width='190' height='190' fill='{accent}'/></g>\
         <g transform='rotate(-9 190 280)'><rect x='90' y='146' width='200' height='200' \
         fill='{INK}' opacity='.14' transform='translate(8 10)'/>\
         <path d='M90 146h200v152l-48 48H90z' fill='{accent_light}'/>\
         <path d='M290 298h-48v48z' fill='{accent}'/></g>\
         <rect x='168' y='196' width='204' height='204' fill='{INK}' opacity='.16'/>\
         <path d='M160 184h204v158l-48 50H160z' fill='{color}'/>\
         <path d='M364 342h-48v50z' fill='{dark}'/><path d='M160 184h204v26H160z' \
         fill='{light}'/><path d='M186 246h150M186 278h150M186 310h92' stroke='{dark}' \
         stroke-width='8' stroke-linecap='round'/>\
         <path d='M186 350l14 14 28 -32' stroke='{PAPER}' stroke-width='10' fill='none' \
         stroke-linecap='round' stroke-linejoin='round'/>"
    )
}
