//! Drawings of what is worn.

use super::Drawing;
use super::paint::{GLASS, INK, PAPER, Paint, STEEL, STEEL_DARK};

pub const DRAWINGS: &[Drawing] = &[
    ("shirt", shirt),
    ("jacket", jacket),
    ("hoodie", hoodie),
    ("trousers", trousers),
    ("shoe", shoe),
    ("boot", boot),
    ("socks", socks),
    ("beanie", beanie),
    ("scarf", scarf),
    ("belt", belt),
    ("sunglasses", sunglasses),
    ("tote", tote),
];

fn shirt(paint: &Paint) -> String {
    let [color, dark, light, accent, ..] = paint.shades();
    let plain = format!(
        "<path d='M164 96L74 152l34 84 44 -22v170q0 12 12 12h152q12 0 12 -12V214l44 22 34 -84\
         -90 -56q-76 40 -152 0z' fill='{color}'/>\
         <path d='M152 214l-4 -50M328 214l4 -50' stroke='{dark}' stroke-width='6' \
         stroke-linecap='round'/><path d='M192 102q48 60 96 0l-14 -6q-34 16 -68 0z' \
         fill='{dark}'/><path d='M184 100q56 76 112 0' fill='none' stroke='{light}' \
         stroke-width='9'/><path d='M100 218l44 -22M380 218l-44 -22' stroke='{dark}' \
         stroke-width='4' stroke-dasharray='7 5'/>"
    );
    let badge = format!(
        "{plain}<circle cx='240' cy='258' r='44' fill='{accent}'/>\
         <path d='M206 276l24 -34 14 18 10 -12 20 28z' fill='{PAPER}'/>\
         <circle cx='256' cy='236' r='8' fill='{PAPER}'/>"
    );
    let striped = format!(
        "{plain}<path d='M152 226h176M152 262h176M152 298h176M152 334h176M152 370h176' \
         stroke='{accent}' stroke-width='15'/>"
    );
    let buttoned = format!(
        "<path d='M170 92L92 130 70 344l52 8 26 -130v164q0 10 10 10h164q10 0 10 -10V222l26 130 52 \
         -8 -22 -214 -78 -38z' fill='{color}'/><path d='M148 222l2 -52M332 222l-2 -52' \
         stroke='{dark}' stroke-width='6' stroke-linecap='round'/>\
         <path d='M228 128h24v268h-24z' fill='{dark}' opacity='.5'/>\
         <path d='M176 90q64 -24 128 0l-64 44z' fill='{dark}'/>\
         <path d='M176 88l-8 22 42 44 30 -30zM304 88l8 22 -42 44 -30 -30z' fill='{light}'/>\
         <path d='M72 322l52 8 -4 24 -52 -8zM408 322l-52 8 4 24 52 -8z' fill='{light}'/>\
         <path d='M276 212h40v34l-20 12 -20 -12z' fill='{light}'/>\
         <path d='M240 178h.1M240 224h.1M240 270h.1M240 316h.1M240 362h.1' stroke='{accent}' \
         stroke-width='13' stroke-linecap='round'/>"
    );
    paint.pick([plain, badge, striped, buttoned])
}

fn jacket(paint: &Paint) -> String {
    let [color, dark, light, accent, ..] = paint.shades();
    let body = format!(
        "<path d='M168 108l-58 28q-20 10 -24 34L62 344q-1 10 9 12l44 6 29 -130v148q0 14 14 14h164\
         q14 0 14 -14V232l29 130 44 -6q10 -2 9 -12l-24 -174q-4 -24 -24 -34l-58 -28z' \
         fill='{color}'/><path d='M144 232l4 -50M336 232l-4 -50' stroke='{dark}' \
         stroke-width='6' stroke-linecap='round'/>\
         <path d='M62 340l53 8 -3 14 -41 -6q-10 -2 -9 -12zM418 340l-53 8 3 14 41 -6q10 -2 9 -12z' \
         fill='{dark}'/>"
    );
    let rain = format!(
        "<path d='M176 120q-20 -68 64 -72 84 4 64 72l-64 32z' fill='{dark}'/>\
         <path d='M192 118q-6 -46 48 -48t48 48l-48 22z' fill='{INK}' opacity='.55'/>{body}\
         <path d='M168 108q26 44 72 48 46 -4 72 -48l14 8q-30 62 -86 62t-86 -62z' \
         fill='{light}'/><path d='M240 160v232' stroke='{accent}' stroke-width='11'/>\
         <path d='M170 300l40 -12v22l-40 12zM310 300l-40 -12v22l40 12z' fill='{dark}'/>\
         <path d='M214 166v44M266 166v44' stroke='{PAPER}' stroke-width='6' \
         stroke-linecap='round'/>"
    );
    let quilted = format!(
        "{body}<path d='M146 216h188M144 258h192M144 300h192M144 342h192M90 180l50 14M84 228l48 \
         10M78 276l46 8M390 180l-50 14M396 228l-48 10M402 276l-46 8' stroke='{dark}' \
         stroke-width='7'/><path d='M184 88q56 -22 112 0l8 40q-64 34 -128 0z' fill='{light}'/>\
         <path d='M240 98v294' stroke='{accent}' stroke-width='11'/>\
         <circle cx='240' cy='150' r='9' fill='{PAPER}'/>"
    );
    let denim = format!(
        "{body}<path d='M232 130h16v264h-16z' fill='{dark}' opacity='.6'/>\
         <path d='M172 100q68 -26 136 0l-68 52z' fill='{dark}'/>\
         <path d='M172 98l-10 30 44 36 34 -30zM308 98l10 30 -44 36 -34 -30z' fill='{light}'/>\
         <path d='M166 206h54v12l-27 16 -27 -16zM260 206h54v12l-27 16 -27 -16z' fill='{light}'/>\
         <path d='M170 218v52h46v-52M264 218v52h46v-52M144 368h84M252 368h84' fill='none' \
         stroke='{accent}' stroke-width='4' stroke-dasharray='7 5'/>\
         <path d='M240 182h.1M240 232h.1M240 282h.1M240 332h.1M240 378h.1' stroke='{accent}' \
         stroke-width='14' stroke-linecap='round'/>"
    );
    paint.pick([rain, quilted, denim])
}

fn hoodie(paint: &Paint) -> String {
    let [color, dark, light, accent, ..] = paint.shades();
    let front = paint.pick([
        format!(
            "<path d='M194 252h92M208 272h64' stroke='{accent}' stroke-width='11' \
             stroke-linecap='round'/>"
        ),
        format!("<path d='M240 178v206' stroke='{accent}' stroke-width='10'/>"),
    ]);
    format!(
        "<path d='M164 126q-16 -78 76 -82 92 4 76 82l-76 44z' fill='{dark}'/>\
         <path d='M188 122q-8 -52 52 -54 60 2 52 54l-52 34z' fill='{INK}' opacity='.5'/>\
         <path d='M160 112l-52 28q-18 10 -22 32L60 352q-1 10 9 12l46 6 30 -132v142h190V238l30 132 \
         46 -6q10 -2 9 -12l-26 -180q-4 -22 -22 -32l-52 -28q-20 58 -80 62 -60 -4 -80 -62z' \
         fill='{color}'/><path d='M145 238l3 -50M335 238l-3 -50' stroke='{dark}' \
         stroke-width='6' stroke-linecap='round'/>{front}\
         <path d='M180 356l18 -62h84l18 62z' fill='{light}'/>\
         <path d='M145 372h190v12q0 14 -14 14H159q-14 0 -14 -14z' fill='{dark}'/>\
         <path d='M60 346l56 8 -3 16 -44 -6q-10 -2 -9 -12zM420 346l-56 8 3 16 44 -6q10 -2 9 -12z' \
         fill='{dark}'/><path d='M216 172v52M264 172v44' stroke='{PAPER}' stroke-width='6' \
         stroke-linecap='round'/><path d='M216 220v14M264 212v14' stroke='{accent}' \
         stroke-width='9' stroke-linecap='round'/>"
    )
}

fn trousers(paint: &Paint) -> String {
    let [color, dark, light, accent, ..] = paint.shades();
    let (hem, half) = paint.pick([(404, 104), (300, 120), (396, 92)]);
    let (left, right) = (240 - half, 240 + half);
    let (left_in, right_in) = (240 - 28, 240 + 28);
    let knee = hem - 60;
    let size = paint.pick(["", "translate(-84 -28) scale(1.35)", ""]);
    format!(
        "<g transform='{size}'><path d='M164 84h152L{right} {hem}H{right_in}L240 200 {left_in} \
         {hem}H{left}z' \
         fill='{color}'/><path d='M240 200L{right_in} {hem}H{right}L316 84h-34L268 {knee}z' \
         fill='{dark}' opacity='.35'/><path d='M240 112v92' stroke='{dark}' stroke-width='5'/>\
         <path d='M250 114v50q0 22 -12 30' stroke='{light}' stroke-width='4' fill='none' \
         stroke-dasharray='7 5'/><path d='M164 84l-4 30h160l-4 -30z' fill='{dark}'/>\
         <path d='M182 78h12v40h-12zM286 78h12v40h-12zM234 78h12v40h-12z' fill='{light}'/>\
         <path d='M162 120q2 44 36 48M318 120q-2 44 -36 48' stroke='{light}' stroke-width='4' \
         fill='none' stroke-dasharray='7 5'/><circle cx='240' cy='100' r='8' fill='{accent}'/>\
         <path d='M{left} {hem}H{left_in}l2 -16H{left}zM{right} {hem}H{right_in}l-2 -16H{right}z' \
         fill='{accent}'/></g>"
    )
}

fn shoe(paint: &Paint) -> String {
    let [color, dark, light, accent, ..] = paint.shades();
    let shadow = paint.shadow(240, 352, 186);
    let trainer = format!(
        "<path d='M70 216q0 -40 26 -52 18 30 58 26l30 -26q14 -10 26 4l56 72q20 22 66 30 78 12 78 \
         50H70z' fill='{color}'/><path d='M70 216q0 -40 26 -52 18 30 58 26l-8 130H70z' \
         fill='{dark}'/><path d='M318 268q92 10 92 52h-84q-30 -20 -8 -52z' fill='{light}'/>\
         <path d='M190 204l34 -18M210 228l32 -22M232 252l30 -24' stroke='{PAPER}' \
         stroke-width='10' stroke-linecap='round'/>\
         <path d='M140 310q80 0 126 -46l24 10q-40 46 -106 46z' fill='{accent}'/>\
         <path d='M64 310q0 -8 8 -8h336q14 4 14 22 0 22 -22 22H86q-22 0 -22 -22z' \
         fill='{PAPER}'/><path d='M64 330q2 16 22 16h314q18 0 21 -16z' fill='{accent}'/>"
    );
    let canvas = format!(
        "<path d='M92 128h108q6 84 60 122 30 18 82 24 66 8 68 48H84q-8 -96 8 -194z' \
         fill='{color}'/><path d='M330 272q78 6 80 50h-94q-14 -34 14 -50z' fill='{PAPER}'/>\
         <path d='M92 128h28q-14 100 -8 194H84q-8 -96 8 -194z' fill='{dark}'/>\
         <path d='M190 150l24 -6M196 184l28 -10M212 214l28 -14M234 240l26 -18' \
         stroke='{PAPER}' stroke-width='10' stroke-linecap='round'/>\
         <circle cx='154' cy='196' r='24' fill='{accent}'/><path d='M154 182l5 10 11 1 -8 8 2 11 \
         -10 -5 -10 5 2 -11 -8 -8 11 -1z' fill='{PAPER}'/>\
         <path d='M76 314h344v16q0 18 -18 18H94q-18 0 -18 -18z' fill='{PAPER}'/>\
         <path d='M78 326h341' stroke='{accent}' stroke-width='6'/>"
    );
    shadow + &paint.pick([trainer, canvas])
}

fn boot(paint: &Paint) -> String {
    let [color, dark, light, accent, ..] = paint.shades();
    let shadow = paint.shadow(246, 396, 160);
    let hiking = format!(
        "<path d='M130 104q60 -20 124 0l6 120q10 26 60 36 68 14 72 66v30H122q-14 -130 8 -252z' \
         fill='{color}'/><path d='M130 104h38q-26 120 -16 252h-30q-14 -130 8 -252z' \
         fill='{dark}'/><path d='M322 264q66 14 70 62v30h-90q-14 -60 20 -92z' fill='{dark}'/>\
         <path d='M126 96q64 -22 132 0v24q-66 -18 -132 0z' fill='{accent}'/>\
         <path d='M206 148h46M208 182h46M214 216h46M232 246h50' stroke='{accent}' \
         stroke-width='9' stroke-linecap='round'/>\
         <path d='M112 350h290q10 0 10 12v22h-26v10h-34v-10h-32v10h-36v-10h-34v10h-36v-10h-30v10\
         h-40q-32 0 -32 -44z' fill='{INK}'/>"
    );
    let rain = format!(
        "<path d='M138 84h122q-6 120 4 160 8 24 56 34 70 14 70 70v10H128q-10 -160 10 -274z' \
         fill='{color}'/><path d='M138 84h34q-24 130 -14 274h-30q-10 -160 10 -274z' \
         fill='{dark}'/><rect x='130' y='78' width='138' height='26' rx='10' fill='{accent}'/>\
         <path d='M230 124q-6 100 6 142' stroke='{light}' stroke-width='11' fill='none' \
         stroke-linecap='round'/><path d='M312 306q44 6 54 30' stroke='{light}' \
         stroke-width='9' fill='none' stroke-linecap='round'/>\
         <path d='M122 352h272q6 0 6 8v14q0 16 -16 16H228v-14h-46v14h-44q-16 0 -16 -16z' \
         fill='{accent}'/>"
    );
    shadow + &paint.pick([hiking, rain])
}

fn socks(paint: &Paint) -> String {
    let [color, dark, light, accent, ..] = paint.shades();
    let pattern = paint.pick([
        format!("<path d='M-46 -66h92v18h-92zM-46 -30h92v18h-92z' fill='{accent}'/>"),
        format!(
            "<path d='M-22 -50h.1M22 -50h.1M0 -22h.1M-22 6h.1M22 6h.1M0 34h.1M36 66h.1M66 88h.1' \
             stroke='{accent}' stroke-width='17' stroke-linecap='round'/>"
        ),
    ]);
    let sock = format!(
        "<path d='M-46 -130h92v150q0 18 14 30l48 42q24 24 6 48 -22 26 -54 4L-26 70q-20 -16 -20 \
         -44z' fill='{color}'/>{pattern}<path d='M-50 -138h100v34H-50z' fill='{light}'/>\
         <path d='M-28 -136v30M-6 -136v30M16 -136v30M36 -136v30' stroke='{color}' \
         stroke-width='5'/><path d='M78 68l30 24q24 24 6 48 -22 26 -54 4l-10 -8q34 -20 28 -68z' \
         fill='{accent}'/><path d='M-46 20q40 -4 56 24t-10 44L-26 70q-20 -16 -20 -44z' \
         fill='{dark}'/>"
    );
    format!(
        "<g transform='translate(276 214) rotate(8)'>{sock}</g>\
         <g transform='translate(164 240) rotate(-6)'>{sock}</g>"
    )
}

fn beanie(paint: &Paint) -> String {
    let [color, dark, light, accent, ..] = paint.shades();
    let pompom = format!(
        "<circle cx='240' cy='104' r='42' fill='{accent}'/><path d='M214 92q10 -18 28 -18M222 116\
         q18 14 40 4' stroke='{PAPER}' stroke-width='6' fill='none' stroke-linecap='round' \
         opacity='.7'/>"
    );
    let top = paint.pick([pompom, String::new()]);
    format!(
        "{top}<path d='M110 316Q100 124 240 124t130 192z' fill='{color}'/>\
         <path d='M300 146q72 50 70 170h-54q20 -90 -16 -170z' fill='{dark}' opacity='.5'/>\
         <path d='M168 300q-4 -90 30 -150M240 300V134M312 300q4 -90 -30 -150' fill='none' \
         stroke='{dark}' stroke-width='7' stroke-linecap='round' opacity='.7'/>\
         <path d='M122 258q118 -40 236 0v22q-118 -40 -236 0z' fill='{accent}'/>\
         <rect x='88' y='290' width='304' height='84' rx='26' fill='{light}'/>\
         <path d='M122 304v56M156 304v56M190 304v56M224 304v56M258 304v56M292 304v56M326 304v56\
         M360 304v56' stroke='{color}' stroke-width='9' stroke-linecap='round'/>"
    )
}

fn scarf(paint: &Paint) -> String {
    let [color, dark, light, accent, ..] = paint.shades();
    let stripes = paint.pick([
        format!("<path d='M0 60h84v18H0zM0 100h84v18H0zM0 190h84v18H0z' fill='{accent}'/>"),
        format!(
            "<path d='M20 0v232M62 0v232' stroke='{accent}' stroke-width='10'/>\
             <path d='M0 60h84M0 130h84M0 200h84' stroke='{light}' stroke-width='8'/>"
        ),
    ]);
    let end = format!(
        "<path d='M0 0h84v232H0z' fill='{color}'/>{stripes}\
         <path d='M6 232v28M22 232v28M38 232v28M54 232v28M70 232v28M80 232v28' stroke='{light}' \
         stroke-width='6' stroke-linecap='round'/>"
    );
    format!(
        "<g transform='translate(150 160) rotate(8)'>{end}</g>\
         <g transform='translate(240 168) rotate(-6)'>{end}</g>\
         <path d='M108 134c0 -92 264 -92 264 0 0 104 -264 104 -264 0z' fill='{color}'/>\
         <path d='M150 132c0 -54 180 -54 180 0 0 36 -180 36 -180 0z' fill='{dark}'/>\
         <path d='M118 158c30 66 214 66 244 0M134 176q106 60 212 0' fill='none' \
         stroke='{light}' stroke-width='7' opacity='.8'/>\
         <path d='M196 172q44 22 88 0l16 52q-60 26 -120 0z' fill='{light}'/>\
         <path d='M214 190l-6 36M240 194v36M266 190l6 36' stroke='{color}' stroke-width='6'/>"
    )
}

fn belt(paint: &Paint) -> String {
    let [color, dark, light, accent, ..] = paint.shades();
    format!(
        "<ellipse cx='246' cy='262' rx='150' ry='138' fill='none' stroke='{INK}' \
         stroke-width='44' opacity='.14'/>\
         <ellipse cx='240' cy='250' rx='150' ry='138' fill='none' stroke='{dark}' \
         stroke-width='46'/><ellipse cx='240' cy='250' rx='150' ry='138' fill='none' \
         stroke='{color}' stroke-width='38'/>\
         <ellipse cx='240' cy='250' rx='150' ry='138' fill='none' stroke='{light}' \
         stroke-width='3' stroke-dasharray='9 7'/>\
         <ellipse cx='240' cy='250' rx='104' ry='94' fill='none' stroke='{dark}' \
         stroke-width='30'/><path d='M300 346h.1M330 328h.1M356 304h.1' stroke='{INK}' \
         stroke-width='11' stroke-linecap='round' transform='translate(-8 26)'/>\
         <g transform='rotate(-4 216 388)'><rect x='170' y='346' width='84' height='84' rx='14' \
         fill='none' stroke='{accent}' stroke-width='15'/>\
         <path d='M178 388h84' stroke='{STEEL}' stroke-width='11' stroke-linecap='round'/></g>\
         <rect x='284' y='362' width='22' height='56' rx='6' fill='{dark}' \
         transform='rotate(-22 295 390)'/>"
    )
}

fn sunglasses(paint: &Paint) -> String {
    let [color, dark, light, accent, ..] = paint.shades();
    let lens = paint.pick([
        "M86 214h132q8 96 -62 100 -70 2 -70 -100z",
        "M88 262a64 64 0 1 1 128 0a64 64 0 1 1 -128 0z",
    ]);
    let glint = format!(
        "<path d='M122 248l26 -24M126 276l48 -46' stroke='{PAPER}' stroke-width='9' \
         stroke-linecap='round' opacity='.6'/>"
    );
    let side = format!(
        "<path d='{lens}' fill='{accent}' stroke='{color}' stroke-width='18' \
         stroke-linejoin='round'/><path d='{lens}' fill='{GLASS}' opacity='.55'/>{glint}"
    );
    format!(
        "<ellipse cx='240' cy='356' rx='170' ry='12' fill='{INK}' opacity='.14'/>\
         <path d='M88 220C96 170 112 142 140 128M392 220C384 170 368 142 340 128' fill='none' \
         stroke='{dark}' stroke-width='15' stroke-linecap='round'/>\
         <path d='M210 232q30 -26 60 0' fill='none' stroke='{color}' stroke-width='15'/>{side}\
         <g transform='translate(480 0) scale(-1 1)'>{side}</g>\
         <circle cx='88' cy='220' r='6' fill='{STEEL}'/><circle cx='392' cy='220' r='6' \
         fill='{STEEL_DARK}'/><path d='M214 226q26 -16 52 0' fill='none' stroke='{light}' \
         stroke-width='4' stroke-linecap='round'/>"
    )
}

fn tote(paint: &Paint) -> String {
    let [color, dark, light, accent, ..] = paint.shades();
    let shadow = paint.shadow(240, 404, 140);
    let print = paint.pick([
        format!(
            "<circle cx='240' cy='290' r='56' fill='{accent}'/><path d='M240 330q-40 -16 -34 -66 \
             40 10 34 66zM240 330q40 -16 34 -66 -40 10 -34 66zM240 330q-14 -44 0 -80 14 36 0 80z' \
             fill='{PAPER}'/>"
        ),
        format!("<path d='M118 316h244l4 34H114zM122 262h236l2 24H120z' fill='{accent}'/>"),
    ]);
    format!(
        "{shadow}<path d='M178 200V128q0 -54 62 -54t62 54v72' fill='none' stroke='{dark}' \
         stroke-width='15'/><path d='M128 184h224l16 200q1 16 -16 16H128q-17 0 -16 -16z' \
         fill='{color}'/><path d='M304 184h48l16 200q1 16 -16 16h-52q20 -110 4 -216z' \
         fill='{dark}' opacity='.4'/><path d='M128 184h224l2 26H126z' fill='{light}'/>{print}\
         <path d='M198 208V140q0 -42 42 -42t42 42v68' fill='none' stroke='{light}' \
         stroke-width='14'/><path d='M190 196h16v28h-16zM274 196h16v28h-16z' fill='{accent}'/>"
    )
}
