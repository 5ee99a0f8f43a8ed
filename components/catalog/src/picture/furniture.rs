//! Drawings of furniture and lamps.

use super::Drawing;
use super::paint::{GLASS, INK, LEAF, PAPER, Paint, STEEL, STEEL_DARK, WOOD, WOOD_DARK};

pub const DRAWINGS: &[Drawing] = &[
    ("chair", chair),
    ("desk", desk),
    ("sofa", sofa),
    ("shelf", shelf),
    ("lamp", lamp),
    ("stool", stool),
    ("bed", bed),
    ("table", table),
    ("rug", rug),
    ("mirror", mirror),
    ("lap-desk", lap_desk),
];

fn chair(paint: &Paint) -> String {
    let [color, dark, light, accent, ..] = paint.shades();
    let shadow = paint.shadow(240, 402, 120);
    let dining = format!(
        "<path d='M166 270l-14 128M314 270l14 128M190 270l-4 100M290 270l4 100' \
         stroke='{dark}' stroke-width='15' stroke-linecap='round'/>\
         <path d='M170 82v180M310 82v180' stroke='{color}' stroke-width='17' \
         stroke-linecap='round'/><path d='M170 92q70 -22 140 0v44q-70 -18 -140 0z' \
         fill='{color}'/><path d='M206 128v120M240 124v124M274 128v120' stroke='{light}' \
         stroke-width='11'/><rect x='146' y='244' width='188' height='30' rx='12' \
         fill='{accent}'/><rect x='152' y='268' width='176' height='14' rx='6' fill='{color}'/>"
    );
    let office = format!(
        "<path d='M240 300v62M240 360L150 390M240 360L330 390M240 360v34' stroke='{INK}' \
         stroke-width='15' stroke-linecap='round'/><g fill='{STEEL_DARK}'>\
         <circle cx='150' cy='394' r='11'/><circle cx='330' cy='394' r='11'/>\
         <circle cx='240' cy='398' r='11'/></g>\
         <path d='M240 230v50' stroke='{INK}' stroke-width='22'/>\
         <path d='M172 96q0 -28 28 -28h80q28 0 28 28l-10 120q-2 24 -26 24h-64q-24 0 -26 -24z' \
         fill='{color}'/><path d='M190 104h100M192 134h96M194 164h92M196 194h88' \
         stroke='{dark}' stroke-width='6' stroke-linecap='round'/>\
         <path d='M140 280v-48h26M340 280v-48h-26' fill='none' stroke='{INK}' stroke-width='13' \
         stroke-linecap='round' stroke-linejoin='round'/>\
         <path d='M136 292q0 -30 30 -30h148q30 0 30 30v4q0 14 -14 14H150q-14 0 -14 -14z' \
         fill='{accent}'/>"
    );
    let lounge = format!(
        "<path d='M158 340l-26 58M322 340l26 58' stroke='{WOOD_DARK}' stroke-width='16' \
         stroke-linecap='round'/><path d='M142 128q0 -56 56 -56h84q56 0 56 56v132H142z' \
         fill='{color}'/><path d='M168 140q0 -42 42 -42h60q42 0 42 42v110H168z' fill='{dark}' \
         opacity='.4'/><path d='M104 236q0 -24 26 -24t26 24v60h168v-60q0 -24 26 -24t26 24v84\
         q0 32 -32 32H136q-32 0 -32 -32z' fill='{color}'/>\
         <rect x='152' y='252' width='176' height='52' rx='22' fill='{light}'/>\
         <rect x='204' y='178' width='80' height='68' rx='16' fill='{accent}' \
         transform='rotate(10 244 212)'/>"
    );
    shadow + &paint.pick([dining, office, lounge])
}

fn desk(paint: &Paint) -> String {
    let [color, dark, light, accent, ..] = paint.shades();
    let shadow = paint.shadow(240, 398, 190);
    let screen = paint.screen(206, 104, 116, 72);
    let standing = format!(
        "<path d='M236 176h56v28h-56z' fill='{STEEL_DARK}'/><rect x='198' y='96' width='132' \
         height='88' rx='8' fill='{INK}'/>{screen}<rect x='128' y='160' width='36' height='42' \
         rx='7' fill='{accent}'/><path d='M146 160q-8 -30 -26 -38M146 160q2 -34 22 -46' \
         stroke='{LEAF}' stroke-width='8' fill='none' stroke-linecap='round'/>\
         <path d='M112 230h26v152h-26zM342 230h26v152h-26z' fill='{dark}'/>\
         <path d='M118 300h14v84h-14zM348 300h14v84h-14z' fill='{STEEL}'/>\
         <path d='M82 382h86v14H82zM312 382h86v14h-86z' fill='{INK}'/>\
         <rect x='56' y='200' width='368' height='30' rx='9' fill='{color}'/>\
         <path d='M56 218h368v3q0 9 -9 9H65q-9 0 -9 -9z' fill='{dark}'/>\
         <rect x='300' y='230' width='44' height='12' rx='4' fill='{INK}'/>"
    );
    let writing = format!(
        "<path d='M92 244L76 396M388 244l16 152' stroke='{dark}' stroke-width='17' \
         stroke-linecap='round'/><path d='M122 244l-6 120M358 244l6 120' stroke='{dark}' \
         stroke-width='10' opacity='.6'/><path d='M288 142l28 -20 22 26 -30 20z' \
         fill='{accent}'/><path d='M310 132l-48 -14 -20 86' fill='none' stroke='{INK}' \
         stroke-width='8' stroke-linejoin='round'/><path d='M216 206h52' stroke='{INK}' \
         stroke-width='11' stroke-linecap='round'/><path d='M112 204v-24h84v24z' \
         fill='{accent}'/><path d='M120 180v-20h70v20z' fill='{PAPER}'/>\
         <path d='M104 204v-10h98v10z' fill='{dark}'/>\
         <rect x='56' y='204' width='368' height='24' rx='8' fill='{light}'/>\
         <rect x='78' y='226' width='324' height='52' fill='{color}'/>\
         <path d='M186 226v52M294 226v52' stroke='{dark}' stroke-width='4'/>\
         <path d='M120 252h24M228 252h24M336 252h24' stroke='{accent}' stroke-width='8' \
         stroke-linecap='round'/>"
    );
    shadow + &paint.pick([standing, writing])
}

fn sofa(paint: &Paint) -> String {
    let [color, dark, light, accent, ..] = paint.shades();
    let shadow = paint.shadow(240, 384, 200);
    let (left, width, seats) = paint.pick([(92, 296, 2), (48, 384, 3)]);
    let (back, back_width) = (left + 22, width - 44);
    let inner = left + 48;
    let seat_width = (width - 96) / seats;
    let mut cushions = String::new();
    for seat in 0..seats {
        let (x, cushion) = (inner + seat * seat_width + 3, seat_width - 6);
        cushions += &format!(
            "<rect x='{x}' y='180' width='{cushion}' height='92' rx='18' fill='{light}'/>\
             <rect x='{x}' y='262' width='{cushion}' height='56' rx='16' fill='{light}'/>\
             <path d='M{x} 270h{cushion}' stroke='{color}' stroke-width='5'/>"
        );
    }
    let (right, foot, foot_right) = (left + width - 54, left + 30, left + width - 30);
    let pillow = left + 62;
    format!(
        "{shadow}<path d='M{foot} 350v30M{foot_right} 350v30' stroke='{WOOD_DARK}' \
         stroke-width='15' stroke-linecap='round'/>\
         <rect x='{back}' y='158' width='{back_width}' height='180' rx='34' fill='{color}'/>\
         {cushions}\
         <path d='M{back} 312h{back_width}v50h-{back_width}z' fill='{dark}'/>\
         <rect x='{left}' y='222' width='54' height='142' rx='24' fill='{color}'/>\
         <rect x='{right}' y='222' width='54' height='142' rx='24' fill='{color}'/>\
         <rect x='{pillow}' y='204' width='70' height='66' rx='14' fill='{accent}' \
         transform='rotate(-12 {pillow} 240)'/>"
    )
}

fn shelf(paint: &Paint) -> String {
    let [color, dark, light, accent, accent_dark, _] = paint.shades();
    let books = format!(
        "<path d='M0 0v-56h16v56z' fill='{accent}'/><path d='M18 0v-48h14v48z' \
         fill='{STEEL_DARK}'/><path d='M34 0v-60h18v60z' fill='{accent_dark}'/>\
         <path d='M56 0l12 -52 15 4 -12 48z' fill='{PAPER}'/>"
    );
    let plant = format!(
        "<path d='M-16 -28h32l-5 28h-22z' fill='{accent}'/><path d='M0 -28q-30 -8 -26 -36 26 4 26 \
         36zM0 -28q30 -8 26 -36 -26 4 -26 36zM0 -28q-8 -26 0 -44 8 18 0 44z' fill='{LEAF}'/>"
    );
    let case = format!(
        "<rect x='118' y='68' width='244' height='328' rx='10' fill='{color}'/>\
         <path d='M134 84h212v88H134zM134 186h212v88H134zM134 288h212v92H134z' fill='{dark}'/>\
         <g transform='translate(150 172)'>{books}</g><g transform='translate(306 172)'>{plant}</g>\
         <g transform='translate(252 274)'>{books}</g><circle cx='186' cy='248' r='26' \
         fill='{light}'/><g transform='translate(146 380)'>{books}</g>\
         <path d='M256 380v-50h74v50z' fill='{WOOD}'/><path d='M284 350h18' \
         stroke='{WOOD_DARK}' stroke-width='6' stroke-linecap='round'/>"
    );
    let ladder = format!(
        "<path d='M164 396L196 64M316 396L284 64' stroke='{dark}' stroke-width='13' \
         stroke-linecap='round'/><g fill='{color}'><rect x='176' y='132' width='128' height='13' \
         rx='5'/><rect x='160' y='222' width='160' height='13' rx='5'/>\
         <rect x='134' y='322' width='212' height='14' rx='5'/></g>\
         <g transform='translate(240 132)'>{plant}</g><g transform='translate(184 222)'>{books}</g>\
         <g transform='translate(228 322)'>{books}</g><g transform='translate(176 322)'>{plant}</g>"
    );
    let wall = format!(
        "<path d='M96 218v34l20 -26M384 218v34l-20 -26M96 330v34l20 -26M384 330v34l-20 -26' \
         fill='none' stroke='{INK}' stroke-width='9' stroke-linejoin='round'/>\
         <rect x='64' y='206' width='352' height='20' rx='6' fill='{color}'/>\
         <rect x='64' y='318' width='352' height='20' rx='6' fill='{color}'/>\
         <g transform='translate(96 206) scale(1.3)'>{books}</g>\
         <g transform='translate(350 206) scale(1.6)'>{plant}</g>\
         <circle cx='136' cy='290' r='28' fill='{light}'/>\
         <g transform='translate(256 318) scale(1.3)'>{books}</g>"
    );
    let shadow = paint.shadow(240, 398, 130);
    paint.pick([shadow.clone() + &case, shadow + &ladder, wall])
}

fn lamp(paint: &Paint) -> String {
    let [color, dark, light, accent, ..] = paint.shades();
    let shadow = paint.shadow(240, 402, 100);
    let beam = "<path d='M170 222L96 398h200L250 196z' fill='#ffe9a8' opacity='.55'/>";
    let desk = format!(
        "{beam}<path d='M330 388L356 250 252 130' fill='none' stroke='{dark}' stroke-width='13' \
         stroke-linejoin='round'/><circle cx='356' cy='250' r='15' fill='{accent}'/>\
         <path d='M262 108l-32 -26 -24 26 4 16q-50 40 -52 106l104 -32q-4 -50 0 -90z' \
         fill='{color}'/><ellipse cx='210' cy='214' rx='56' ry='17' \
         transform='rotate(-17 210 214)' fill='#ffe9a8'/>\
         <path d='M262 400q0 -24 30 -24h76q30 0 30 24z' fill='{color}'/>"
    );
    let floor = format!(
        "<path d='M160 200L120 360h240L320 200z' fill='#ffe9a8' opacity='.35'/>\
         <path d='M240 196v196' stroke='{dark}' stroke-width='11'/>\
         <path d='M170 400q0 -18 40 -18h60q40 0 40 18z' fill='{dark}'/>\
         <path d='M196 72h88l44 128H152z' fill='{color}'/>\
         <path d='M252 72h32l44 128h-60z' fill='{dark}' opacity='.45'/>\
         <path d='M152 200h176l3 9H149z' fill='{accent}'/><path d='M196 72h88l-3 -9h-82z' \
         fill='{accent}'/><path d='M282 210v44' stroke='{STEEL_DARK}' stroke-width='4'/>\
         <circle cx='282' cy='258' r='6' fill='{accent}'/>"
    );
    let table = format!(
        "<circle cx='240' cy='176' r='120' fill='#ffe9a8' opacity='.55'/>\
         <path d='M132 216C132 60 348 60 348 216q-108 26 -216 0z' fill='{color}'/>\
         <path d='M284 112q64 26 64 104 -30 8 -62 11 28 -60 -2 -115z' fill='{dark}' \
         opacity='.45'/><path d='M158 186q10 -50 46 -66' stroke='{light}' stroke-width='10' \
         fill='none' stroke-linecap='round'/><path d='M218 228h44l-6 40h-32z' fill='{STEEL}'/>\
         <path d='M240 262q70 24 64 84 -4 48 -64 48t-64 -48q-6 -60 64 -84z' fill='{accent}'/>\
         <path d='M262 270q48 28 42 76 -4 48 -64 48 50 -40 22 -124z' fill='{INK}' \
         opacity='.16'/>"
    );
    shadow + &paint.pick([desk, floor, table])
}

fn stool(paint: &Paint) -> String {
    let [color, dark, light, accent, ..] = paint.shades();
    let shadow = paint.shadow(240, 404, 120);
    let height = paint.pick([150, 210]);
    let (top, rail) = (392 - height, 392 - height * 2 / 5);
    let (left, right) = (paint.pick([150, 166]), paint.pick([330, 314]));
    let shade = top - 26;
    format!(
        "{shadow}<path d='M190 {top}L{left} 396M290 {top}L{right} 396' stroke='{color}' \
         stroke-width='19' stroke-linecap='round'/><path d='M222 {top}l-6 {height}M258 {top}l6 \
         {height}' stroke='{dark}' stroke-width='15' stroke-linecap='round'/>\
         <path d='M172 {rail}h136' stroke='{light}' stroke-width='12'/>\
         <path d='M132 {top}q0 20 108 20t108 -20z' fill='{dark}'/>\
         <path d='M132 {top}q0 -30 108 -30t108 30 -108 22 -108 -22z' fill='{accent}'/>\
         <path d='M164 {shade}q76 -12 152 0' stroke='{PAPER}' stroke-width='6' fill='none' \
         stroke-linecap='round' opacity='.6'/><path d='M132 {top}v6q0 16 108 16t108 -16v-6\
         q-10 20 -108 20T132 {top}z' fill='{color}'/>"
    )
}

fn bed(paint: &Paint) -> String {
    let [color, dark, light, accent, accent_dark, _] = paint.shades();
    let shadow = paint.shadow(240, 392, 200);
    format!(
        "{shadow}<path d='M70 372v20M410 372v20' stroke='{dark}' stroke-width='18' \
         stroke-linecap='round'/><path d='M64 148q0 -30 30 -30h292q30 0 30 30v226H64z' \
         fill='{color}'/><path d='M96 152q0 -10 10 -10h118v70H96zM256 142h118q10 0 10 10v60H256z' \
         fill='{light}'/><path d='M80 236q0 -26 26 -26h268q26 0 26 26v70H80z' fill='{PAPER}'/>\
         <rect x='104' y='190' width='124' height='62' rx='24' fill='{STEEL}'/>\
         <rect x='252' y='190' width='124' height='62' rx='24' fill='{STEEL}'/>\
         <path d='M64 282q0 -26 26 -26h300q26 0 26 26v72H64z' fill='{accent}'/>\
         <path d='M64 282q0 -26 26 -26h300q26 0 26 26v6H64z' fill='{PAPER}'/>\
         <path d='M150 290q-16 36 -12 64M306 290q20 30 14 64' stroke='{accent_dark}' \
         stroke-width='5' fill='none' stroke-linecap='round' opacity='.6'/>\
         <rect x='54' y='346' width='372' height='32' rx='11' fill='{dark}'/>"
    )
}

fn table(paint: &Paint) -> String {
    let [color, dark, light, accent, ..] = paint.shades();
    let shadow = paint.shadow(240, 396, 150);
    let round = format!(
        "<path d='M240 244v92M240 330L150 392M240 330L330 392' stroke='{dark}' \
         stroke-width='17' stroke-linecap='round'/><ellipse cx='240' cy='240' rx='156' ry='36' \
         fill='{dark}'/><ellipse cx='240' cy='228' rx='156' ry='36' fill='{color}'/>\
         <ellipse cx='240' cy='226' rx='128' ry='26' fill='{light}' opacity='.5'/>"
    );
    let low = format!(
        "<path d='M104 250L84 392M376 250l20 142' stroke='{dark}' stroke-width='17' \
         stroke-linecap='round'/><rect x='100' y='318' width='280' height='14' rx='6' \
         fill='{dark}'/><path d='M142 318v-16h110v16z' fill='{accent}'/>\
         <path d='M150 302v-13h92v13z' fill='{PAPER}'/>\
         <rect x='66' y='220' width='348' height='34' rx='12' fill='{color}'/>\
         <path d='M66 240h348v2q0 12 -12 12H78q-12 0 -12 -12z' fill='{dark}'/>\
         <path d='M110 230h90M226 230h40' stroke='{light}' stroke-width='5' \
         stroke-linecap='round'/>"
    );
    let top = paint.pick([round, low]);
    format!(
        "{shadow}{top}<path d='M210 176h60l-10 48h-40z' fill='{accent}'/>\
         <path d='M240 178q-46 -10 -44 -66 44 10 44 66zM240 178q46 -10 44 -66 -44 10 -44 66zM240 \
         178q-16 -50 0 -88 16 38 0 88z' fill='{LEAF}'/>"
    )
}

fn rug(paint: &Paint) -> String {
    let [color, dark, light, accent, ..] = paint.shades();
    let fringe = "M78 138h-20M78 162h-20M78 186h-20M78 210h-20M78 234h-20M78 258h-20M78 282h-20\
                  M78 306h-20M78 330h-20M402 138h20M402 162h20M402 186h20M402 210h20M402 234h20\
                  M402 258h20M402 282h20M402 306h20M402 330h20";
    let diamonds = format!(
        "<path d='M240 152l84 82 -84 82 -84 -82z' fill='{accent}'/>\
         <path d='M240 188l48 46 -48 46 -48 -46z' fill='{light}'/>\
         <path d='M240 212l22 22 -22 22 -22 -22z' fill='{dark}'/>\
         <path d='M136 170l30 -30h-60zM344 170l30 -30h-60zM136 298l30 30h-60zM344 298l30 30h-60z' \
         fill='{accent}'/>"
    );
    let stripes = format!(
        "<path d='M118 130v208M150 130v208M330 130v208M362 130v208' stroke='{accent}' \
         stroke-width='16'/><path d='M134 130v208M346 130v208' stroke='{light}' \
         stroke-width='7'/><path d='M190 150l25 26 25 -26 25 26 25 -26M190 206l25 26 25 -26 25 26 \
         25 -26M190 262l25 26 25 -26 25 26 25 -26' fill='none' stroke='{light}' \
         stroke-width='9'/>"
    );
    let pattern = paint.pick([diamonds, stripes]);
    format!(
        "<rect x='86' y='130' width='324' height='228' rx='6' fill='{INK}' opacity='.15'/>\
         <path d='{fringe}' stroke='{light}' stroke-width='6' stroke-linecap='round'/>\
         <rect x='76' y='118' width='328' height='232' rx='6' fill='{color}'/>\
         <rect x='92' y='130' width='296' height='208' fill='none' stroke='{dark}' \
         stroke-width='6'/>{pattern}"
    )
}

fn mirror(paint: &Paint) -> String {
    let [color, dark, light, accent, ..] = paint.shades();
    let (width, height, corner) = paint.pick([(250, 250, 125), (190, 320, 90)]);
    let (x, y) = (240 - width / 2, 240 - height / 2);
    let (inner_x, inner_y) = (x + 17, y + 17);
    let (inner_width, inner_height, inner_corner) = (width - 34, height - 34, corner - 17);
    let (shade_x, shade_y) = (x + 9, y + 12);
    format!(
        "<rect x='{shade_x}' y='{shade_y}' width='{width}' height='{height}' rx='{corner}' \
         fill='{INK}' opacity='.18'/>\
         <rect x='{x}' y='{y}' width='{width}' height='{height}' rx='{corner}' fill='{color}'/>\
         <rect x='{inner_x}' y='{inner_y}' width='{inner_width}' height='{inner_height}' \
         rx='{inner_corner}' fill='#dfeaf0' stroke='{dark}' stroke-width='5'/>\
         <path d='M192 300l96 -130M222 322l74 -100M178 262l52 -70' stroke='{PAPER}' \
         stroke-width='13' stroke-linecap='round'/>\
         <path d='M240 {y}v10' stroke='{light}' stroke-width='30'/>\
         <circle cx='240' cy='{y}' r='11' fill='{accent}'/>"
    )
}

fn lap_desk(paint: &Paint) -> String {
    let [color, dark, light, accent, ..] = paint.shades();
    let shadow = paint.shadow(240, 380, 180);
    let screen = paint.screen(148, 122, 164, 98);
    format!(
        "{shadow}<path d='M84 316q0 -36 36 -36h240q36 0 36 36 0 60 -60 60H144q-60 0 -60 -60z' \
         fill='{accent}'/><path d='M96 340q144 40 288 0' stroke='{PAPER}' stroke-width='5' \
         fill='none' stroke-dasharray='10 8' opacity='.6'/>\
         <path d='M98 240h284l44 56H54z' fill='{light}'/>\
         <path d='M54 296h372v10q0 12 -12 12H66q-12 0 -12 -12z' fill='{color}'/>\
         <path d='M322 256h46l12 18h-54z' fill='{dark}'/>\
         <rect x='140' y='114' width='180' height='114' rx='10' fill='{GLASS}'/>{screen}\
         <path d='M126 228h208l18 42H108z' fill='{STEEL}'/>\
         <path d='M146 236h168l8 18H138z' fill='{STEEL_DARK}'/>"
    )
}
