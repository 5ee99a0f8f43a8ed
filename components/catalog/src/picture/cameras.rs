//! Drawings of cameras and what goes with them.

use super::Drawing;
use super::paint::{GLASS, INK, PAPER, Paint, STEEL, STEEL_DARK, WOOD_DARK};

pub const DRAWINGS: &[Drawing] = &[
    ("camera", camera),
    ("lens", lens),
    ("tripod", tripod),
    ("camera-bag", camera_bag),
    ("memory-card", memory_card),
    ("binoculars", binoculars),
    ("drone", drone),
    ("frame", frame),
    ("ring-light", ring_light),
];

/// A lens from the front, around the origin.
fn glass(paint: &Paint, radius: i32) -> String {
    let [_, dark, _, accent, ..] = paint.shades();
    let (ring, pupil, core) = (radius * 4 / 5, radius * 3 / 5, radius * 3 / 10);
    let (glint, spot) = (-radius / 4, radius / 7);
    format!(
        "<circle r='{radius}' fill='{STEEL_DARK}'/><circle r='{ring}' fill='{GLASS}'/>\
         <circle r='{ring}' fill='none' stroke='{accent}' stroke-width='3'/>\
         <circle r='{pupil}' fill='{INK}'/><circle r='{core}' fill='{dark}'/>\
         <circle cx='{glint}' cy='{glint}' r='{spot}' fill='{PAPER}' opacity='.8'/>"
    )
}

fn camera(paint: &Paint) -> String {
    let [color, dark, light, accent, ..] = paint.shades();
    let shadow = paint.shadow(240, 374, 160);
    let big = glass(paint, 86);
    let small = glass(paint, 66);
    let mirrorless = format!(
        "<path d='M186 150l16 -38q4 -8 12 -8h52q8 0 12 8l16 38z' fill='{dark}'/>\
         <rect x='100' y='130' width='52' height='24' rx='8' fill='{STEEL_DARK}'/>\
         <circle cx='344' cy='142' r='22' fill='{STEEL}'/>\
         <rect x='76' y='146' width='328' height='222' rx='30' fill='{color}'/>\
         <path d='M76 196h328v120H76z' fill='{dark}'/>\
         <path d='M96 196h44v120H96z' fill='{INK}' opacity='.4'/>\
         <circle cx='376' cy='172' r='9' fill='{accent}'/>\
         <g transform='translate(240 256)'>{big}</g>"
    );
    let compact = format!(
        "<rect x='320' y='166' width='44' height='20' rx='7' fill='{STEEL_DARK}'/>\
         <rect x='82' y='178' width='316' height='190' rx='34' fill='{color}'/>\
         <path d='M82 228h50v140h-16q-34 0 -34 -34z' fill='{dark}'/>\
         <rect x='112' y='196' width='60' height='20' rx='6' fill='{PAPER}'/>\
         <circle cx='366' cy='208' r='9' fill='{accent}'/>\
         <g transform='translate(256 276)'>{small}</g>"
    );
    let instant = format!(
        "<rect x='166' y='60' width='148' height='120' rx='4' fill='{PAPER}'/>\
         <rect x='180' y='74' width='120' height='86' fill='{accent}'/>\
         <path d='M180 160l40 -44 26 26 20 -18 34 36z' fill='{dark}'/>\
         <rect x='96' y='132' width='288' height='240' rx='46' fill='{color}'/>\
         <path d='M96 300h288v26q0 46 -46 46H142q-46 0 -46 -46z' fill='{light}'/>\
         <rect x='150' y='126' width='180' height='12' rx='6' fill='{INK}'/>\
         <rect x='118' y='158' width='60' height='40' rx='12' fill='{GLASS}'/>\
         <rect x='316' y='160' width='44' height='30' rx='9' fill='{PAPER}'/>\
         <path d='M112 318h256' stroke='{accent}' stroke-width='9'/>\
         <g transform='translate(240 250)'>{small}</g>"
    );
    let rangefinder = format!(
        "<path d='M112 152h60v-20h-60zM300 152v-14h58v14z' fill='{STEEL_DARK}'/>\
         <rect x='70' y='148' width='340' height='216' rx='26' fill='{STEEL}'/>\
         <path d='M70 204h340v108H70z' fill='{color}'/>\
         <path d='M70 204h340v12H70z' fill='{dark}'/>\
         <rect x='212' y='160' width='56' height='32' rx='6' fill='{GLASS}'/>\
         <rect x='340' y='164' width='40' height='24' rx='5' fill='{GLASS}'/>\
         <circle cx='110' cy='178' r='10' fill='{accent}'/>\
         <g transform='translate(240 266)'>{big}</g>"
    );
    let action = format!(
        "<path d='M206 330h68v40h-68z' fill='{STEEL_DARK}'/>\
         <rect x='128' y='118' width='224' height='224' rx='38' fill='{color}'/>\
         <path d='M314 118q38 0 38 38v148q0 38 -38 38h-12V118z' fill='{dark}'/>\
         <rect x='172' y='108' width='62' height='14' rx='6' fill='{accent}'/>\
         <rect x='150' y='140' width='50' height='50' rx='10' fill='{GLASS}'/>\
         <path d='M162 165h26' stroke='{accent}' stroke-width='6' stroke-linecap='round'/>\
         <g transform='translate(244 246)'>{small}</g>"
    );
    shadow + &paint.pick([mirrorless, compact, instant, rangefinder, action])
}

fn lens(paint: &Paint) -> String {
    let [color, dark, light, accent, ..] = paint.shades();
    let length = paint.pick([96, 140, 190]);
    let shadow = paint.shadow(240, 398, 100);
    let top = 340 - length - 96;
    let (ring, grip) = (top + 62, top + 88);
    let ridges = length - 30;
    let mount = 340 - 8;
    let front = top + 8;
    format!(
        "{shadow}<rect x='176' y='{mount}' width='128' height='58' rx='8' fill='{STEEL_DARK}'/>\
         <path d='M176 362h128v10H176z' fill='{STEEL}'/>\
         <path d='M152 {ring}h176v{length}l-14 36q-2 8 -12 8H178q-10 0 -12 -8l-14 -36z' \
         fill='{color}'/><rect x='140' y='{top}' width='200' height='70' rx='14' fill='{color}'/>\
         <ellipse cx='240' cy='{front}' rx='96' ry='26' fill='{dark}'/>\
         <ellipse cx='240' cy='{front}' rx='82' ry='20' fill='{GLASS}'/>\
         <ellipse cx='222' cy='{front}' rx='30' ry='8' fill='{light}' opacity='.6'/>\
         <path d='M152 {ring}h176v9H152z' fill='{accent}'/>\
         <rect x='146' y='{grip}' width='188' height='{ridges}' rx='8' fill='{dark}'/>\
         <path d='M166 {grip}v{ridges}M188 {grip}v{ridges}M210 {grip}v{ridges}M232 {grip}v{ridges}\
         M254 {grip}v{ridges}M276 {grip}v{ridges}M298 {grip}v{ridges}M318 {grip}v{ridges}' \
         stroke='{color}' stroke-width='6'/>\
         <path d='M300 {ring}h28v{length}l-14 36q-2 8 -12 8h-14z' fill='{INK}' opacity='.18'/>"
    )
}

fn tripod(paint: &Paint) -> String {
    let [color, dark, light, accent, ..] = paint.shades();
    let shadow = paint.shadow(240, 404, 140);
    let tall = format!(
        "<path d='M240 190v150' stroke='{STEEL_DARK}' stroke-width='16'/>\
         <path d='M240 196v204' stroke='{dark}' stroke-width='20' stroke-linecap='round'/>\
         <path d='M228 196L134 398M252 196L346 398' stroke='{color}' stroke-width='20' \
         stroke-linecap='round'/><path d='M196 265l-9 20M284 265l9 20M167 328l-9 20M313 328l9 20\
         M240 270v22M240 330v22' stroke='{accent}' stroke-width='24'/>"
    );
    let bendy = format!(
        "<g fill='none' stroke-linecap='round' stroke-dasharray='.1 27' stroke-width='32'>\
         <path d='M240 206q4 90 -4 186' stroke='{dark}'/>\
         <path d='M222 200C150 250 190 330 118 388' stroke='{color}'/>\
         <path d='M258 200C330 250 290 330 362 388' stroke='{color}'/></g>\
         <circle cx='116' cy='390' r='15' fill='{accent}'/>\
         <circle cx='364' cy='390' r='15' fill='{accent}'/>"
    );
    let legs = paint.pick([tall, bendy]);
    format!(
        "{shadow}{legs}<path d='M196 176h88l-10 34h-68z' fill='{dark}'/>\
         <rect x='222' y='136' width='36' height='46' fill='{STEEL_DARK}'/>\
         <circle cx='240' cy='146' r='27' fill='{color}'/>\
         <path d='M262 150L346 182' stroke='{dark}' stroke-width='12' stroke-linecap='round'/>\
         <circle cx='346' cy='182' r='11' fill='{accent}'/>\
         <rect x='186' y='88' width='108' height='24' rx='8' fill='{INK}'/>\
         <rect x='198' y='110' width='84' height='18' rx='5' fill='{light}'/>\
         <path d='M232 88v-14h16v14z' fill='{STEEL}'/>"
    )
}

fn camera_bag(paint: &Paint) -> String {
    let [color, dark, light, accent, ..] = paint.shades();
    let shadow = paint.shadow(240, 392, 165);
    format!(
        "{shadow}<path d='M104 214C110 20 370 20 376 214' fill='none' stroke='{dark}' \
         stroke-width='18'/><path d='M168 80q72 -44 144 0' fill='none' stroke='{INK}' \
         stroke-width='26' stroke-linecap='round'/>\
         <rect x='84' y='184' width='312' height='202' rx='34' fill='{color}'/>\
         <path d='M84 300h312v52q0 34 -34 34H118q-34 0 -34 -34z' fill='{dark}'/>\
         <path d='M76 190q0 -26 26 -26h276q26 0 26 26v66q0 40 -40 40H116q-40 0 -40 -40z' \
         fill='{light}'/><path d='M90 254q2 28 28 28h244q26 0 28 -28' fill='none' \
         stroke='{color}' stroke-width='4' stroke-dasharray='9 7'/>\
         <path d='M142 226h28v104h-28zM310 226h28v104h-28z' fill='{WOOD_DARK}'/>\
         <rect x='136' y='296' width='40' height='28' rx='5' fill='{accent}'/>\
         <rect x='304' y='296' width='40' height='28' rx='5' fill='{accent}'/>\
         <rect x='206' y='206' width='68' height='30' rx='5' fill='{color}'/>"
    )
}

fn memory_card(paint: &Paint) -> String {
    let [color, dark, light, accent, ..] = paint.shades();
    let strip = paint.pick([54, 104]);
    format!(
        "<path d='M148 94q0 -14 14 -14h118l70 70v238q0 14 -14 14H162q-14 0 -14 -14z' \
         transform='translate(8 10)' fill='{INK}' opacity='.18'/>\
         <path d='M140 94q0 -14 14 -14h118l70 70v238q0 14 -14 14H154q-14 0 -14 -14z' \
         fill='{color}'/><path d='M168 104v52M198 104v52M228 104v52M258 104v52M288 130v36' \
         stroke='{STEEL}' stroke-width='16' stroke-linecap='round'/>\
         <rect x='132' y='178' width='12' height='48' rx='4' fill='{STEEL}'/>\
         <rect x='164' y='196' width='154' height='180' rx='10' fill='{light}'/>\
         <rect x='164' y='196' width='154' height='{strip}' rx='10' fill='{accent}'/>\
         <path d='M184 330h70M184 352h44' stroke='{dark}' stroke-width='9' \
         stroke-linecap='round'/><path d='M280 306l-20 32h14l-5 24 24 -34h-15z' \
         fill='{accent}'/>"
    )
}

fn binoculars(paint: &Paint) -> String {
    let [color, dark, light, accent, ..] = paint.shades();
    let barrel = format!(
        "<path d='M-50 -116q0 -12 12 -12h56q12 0 12 12v40q36 60 44 150 2 44 -4 70H-60\
         q-10 -40 -8 -80 4 -60 18 -120z' fill='{color}'/>\
         <path d='M-48 -96h78v-24q0 -10 -10 -10h-58q-10 0 -10 10z' fill='{INK}'/>\
         <path d='M-66 60q66 24 142 6l-1 22q-70 18 -142 -4z' fill='{dark}'/>\
         <ellipse cx='4' cy='146' rx='66' ry='24' fill='{dark}'/>\
         <ellipse cx='4' cy='148' rx='52' ry='17' fill='{GLASS}'/>\
         <ellipse cx='-14' cy='146' rx='16' ry='6' fill='{accent}' opacity='.8'/>\
         <path d='M-30 -50q-16 60 -18 100' stroke='{light}' stroke-width='9' fill='none' \
         stroke-linecap='round'/>"
    );
    let shadow = paint.shadow(240, 404, 150);
    format!(
        "{shadow}<path d='M146 130C60 160 60 330 104 372M334 130C420 160 420 330 376 372' \
         fill='none' stroke='{INK}' stroke-width='8'/>\
         <rect x='200' y='196' width='80' height='90' rx='14' fill='{dark}'/>\
         <g transform='translate(162 240)'>{barrel}</g>\
         <g transform='translate(318 240) scale(-1 1)'>{barrel}</g>\
         <rect x='222' y='132' width='36' height='74' rx='12' fill='{INK}'/>\
         <path d='M222 152h36M222 168h36M222 184h36' stroke='{STEEL_DARK}' stroke-width='4'/>"
    )
}

fn drone(paint: &Paint) -> String {
    let [color, dark, light, accent, ..] = paint.shades();
    let lens = glass(paint, 24);
    let rotor = format!(
        "<circle r='62' fill='{STEEL}' opacity='.55'/><circle r='62' fill='none' \
         stroke='{dark}' stroke-width='7'/><path d='M-50 -8Q0 12 50 8 0 -12 -50 -8z' \
         fill='{INK}'/><circle r='13' fill='{accent}'/>"
    );
    format!(
        "<path d='M122 142L358 338M358 142L122 338' stroke='{dark}' stroke-width='24' \
         stroke-linecap='round'/><g transform='translate(118 138)'>{rotor}</g>\
         <g transform='translate(362 138) rotate(70)'>{rotor}</g>\
         <g transform='translate(118 342) rotate(110)'>{rotor}</g>\
         <g transform='translate(362 342) rotate(30)'>{rotor}</g>\
         <path d='M190 178q0 -26 26 -26h48q26 0 26 26l10 110q0 40 -30 40h-60q-30 0 -30 -40z' \
         fill='{color}'/><path d='M204 182q0 -16 16 -16h40q16 0 16 16l2 22h-76z' \
         fill='{light}'/><g transform='translate(240 284)'>{lens}</g>\
         <path d='M214 226h52' stroke='{accent}' stroke-width='9' stroke-linecap='round'/>"
    )
}

fn frame(paint: &Paint) -> String {
    let [color, dark, light, ..] = paint.shades();
    let (x, y, width, height) = paint.pick([(132, 74, 216, 304), (80, 120, 320, 240)]);
    let (inner_x, inner_y, inner_width, inner_height) = (x + 24, y + 24, width - 48, height - 48);
    let art = paint.landscape(x + 50, y + 50, width - 100, height - 100);
    let shadow_x = x + 9;
    let shadow_y = y + 11;
    format!(
        "<rect x='{shadow_x}' y='{shadow_y}' width='{width}' height='{height}' rx='6' \
         fill='{INK}' opacity='.2'/>\
         <rect x='{x}' y='{y}' width='{width}' height='{height}' rx='6' fill='{color}'/>\
         <path d='M{x} {y}l24 24h{inner_width}l24 -24z' fill='{light}'/>\
         <path d='M{x} {y}l24 24v{inner_height}l-24 24z' fill='{dark}' opacity='.45'/>\
         <rect x='{inner_x}' y='{inner_y}' width='{inner_width}' height='{inner_height}' \
         fill='{PAPER}'/>{art}"
    )
}

fn ring_light(paint: &Paint) -> String {
    let [color, dark, light, accent, ..] = paint.shades();
    let shadow = paint.shadow(240, 410, 120);
    format!(
        "{shadow}<path d='M240 290v60M240 344L148 406M240 344L332 406M240 344v62' \
         stroke='{color}' stroke-width='13' stroke-linecap='round'/>\
         <circle cx='240' cy='344' r='14' fill='{dark}'/>\
         <circle cx='240' cy='182' r='106' fill='none' stroke='{color}' stroke-width='54'/>\
         <circle cx='240' cy='182' r='106' fill='none' stroke='{PAPER}' stroke-width='40'/>\
         <circle cx='240' cy='182' r='106' fill='none' stroke='{accent}' stroke-width='20' \
         opacity='.28'/><path d='M240 262v-34' stroke='{dark}' stroke-width='10'/>\
         <rect x='208' y='126' width='64' height='112' rx='12' fill='{INK}'/>\
         <rect x='214' y='136' width='52' height='92' rx='5' fill='{light}'/>\
         <circle cx='240' cy='172' r='14' fill='{PAPER}'/>\
         <path d='M216 226q0 -32 24 -32t24 32z' fill='{PAPER}'/>"
    )
}
