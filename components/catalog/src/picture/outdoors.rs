//! Drawings of what is used outdoors and for sports.

use super::Drawing;
use super::paint::{INK, PAPER, Paint, STEEL, STEEL_DARK};

pub const DRAWINGS: &[Drawing] = &[
    ("tent", tent),
    ("bottle", bottle),
    ("bicycle", bicycle),
    ("ball", ball),
    ("backpack", backpack),
    ("mat", mat),
    ("dumbbell", dumbbell),
    ("sleeping-bag", sleeping_bag),
    ("helmet", helmet),
    ("skateboard", skateboard),
    ("racket", racket),
];

fn tent(paint: &Paint) -> String {
    let [color, dark, light, accent, accent_dark, _] = paint.shades();
    let shadow = paint.shadow(240, 376, 200);
    let ridge = format!(
        "<path d='M236 116L56 372h120z' fill='{light}'/><path d='M236 116L424 372H176z' \
         fill='{color}'/><path d='M240 116L424 372H332z' fill='{dark}'/>\
         <path d='M244 168l-36 204h108z' fill='{INK}' opacity='.75'/>\
         <path d='M244 168l-36 204h26q22 -110 10 -204zM244 168l72 204h-22q-42 -110 -50 -204z' \
         fill='{accent}'/><path d='M240 118l-4 -34' stroke='{INK}' stroke-width='8' \
         stroke-linecap='round'/><path d='M236 86l40 12 -38 14z' fill='{accent}'/>\
         <path d='M70 350L40 384M412 352l28 32' stroke='{INK}' stroke-width='5' \
         stroke-linecap='round'/>"
    );
    let dome = format!(
        "<path d='M50 374C70 90 410 90 430 374z' fill='{color}'/>\
         <path d='M240 161c120 0 180 90 190 213H330C330 290 300 200 240 161z' fill='{dark}'/>\
         <path d='M240 161C180 200 150 290 150 374H50C60 251 120 161 240 161z' fill='{light}'/>\
         <path d='M240 190c-44 30 -64 110 -64 184h128c0 -74 -20 -154 -64 -184z' \
         fill='{accent}'/><path d='M240 190v184' stroke='{accent_dark}' stroke-width='7'/>\
         <path d='M176 374c0 -74 20 -154 64 -184 -20 60 -24 120 -24 184z' fill='{INK}' \
         opacity='.7'/><path d='M50 374L34 396M430 374l16 22' stroke='{INK}' stroke-width='6' \
         stroke-linecap='round'/><path d='M334 262l40 28M344 246l34 24' stroke='{light}' \
         stroke-width='5' stroke-linecap='round'/>"
    );
    shadow + &paint.pick([ridge, dome])
}

fn bottle(paint: &Paint) -> String {
    let [color, dark, light, accent, ..] = paint.shades();
    let shadow = paint.shadow(240, 406, 84);
    let steel = format!(
        "<path d='M206 92h68v34h-68z' fill='{STEEL}'/>\
         <path d='M206 120h68q0 26 24 46 20 18 20 46v168q0 24 -24 24H186q-24 0 -24 -24V212\
         q0 -28 20 -46 24 -20 24 -46z' fill='{color}'/>\
         <path d='M266 120h8q0 26 24 46 20 18 20 46v168q0 24 -24 24h-34q20 -20 20 -60V220\
         q0 -30 -10 -50 -8 -20 -4 -50z' fill='{dark}' opacity='.55'/>\
         <rect x='198' y='64' width='84' height='42' rx='12' fill='{INK}'/>\
         <path d='M216 66q0 -26 24 -26t24 26' fill='none' stroke='{INK}' stroke-width='11'/>\
         <path d='M162 326h156v26H162z' fill='{accent}'/>\
         <path d='M186 214v90' stroke='{light}' stroke-width='11' stroke-linecap='round'/>\
         <path d='M222 276l18 -34 10 14 8 -10 16 30z' fill='{PAPER}'/>"
    );
    let sport = format!(
        "<path d='M226 74q0 -14 14 -14t14 14v34h-28z' fill='{accent}'/>\
         <path d='M192 132q0 -32 34 -36h28q34 4 34 36v14h-96z' fill='{INK}'/>\
         <path d='M176 146h128q12 0 12 14v52q0 14 -12 24 12 10 12 24v122q0 22 -22 22H186\
         q-22 0 -22 -22V260q0 -14 12 -24 -12 -10 -12 -24v-52q0 -14 12 -14z' fill='{color}'/>\
         <path d='M280 146h24q12 0 12 14v52q0 14 -12 24 12 10 12 24v122q0 22 -22 22h-30q16 -20 16 \
         -50V190q0 -30 -0 -44z' fill='{dark}' opacity='.5'/>\
         <path d='M190 170v34M188 274v84' stroke='{light}' stroke-width='11' \
         stroke-linecap='round'/><path d='M226 280h56M226 306h40M226 332h56M226 358h40' \
         stroke='{accent}' stroke-width='7' stroke-linecap='round'/>"
    );
    let flask = format!(
        "<path d='M190 66h100q10 0 10 10v66H180V76q0 -10 10 -10z' fill='{accent}'/>\
         <path d='M266 66h24q10 0 10 10v66h-34z' fill='{INK}' opacity='.2'/>\
         <rect x='172' y='138' width='136' height='18' rx='6' fill='{STEEL_DARK}'/>\
         <path d='M168 156h144v226q0 22 -22 22H190q-22 0 -22 -22z' fill='{color}'/>\
         <path d='M276 156h36v226q0 22 -22 22h-36q22 -14 22 -40z' fill='{dark}'/>\
         <path d='M168 196h144v12H168zM168 352h144v12H168z' fill='{STEEL}'/>\
         <path d='M312 190h22q18 0 18 18v104q0 18 -18 18h-22' fill='none' stroke='{INK}' \
         stroke-width='13'/><path d='M192 226v104' stroke='{light}' stroke-width='12' \
         stroke-linecap='round'/>"
    );
    shadow + &paint.pick([steel, sport, flask])
}

fn bicycle(paint: &Paint) -> String {
    let [color, dark, _, accent, ..] = paint.shades();
    let shadow = paint.shadow(240, 376, 190);
    let wheel = format!(
        "<circle r='78' fill='none' stroke='{INK}' stroke-width='13'/><circle r='70' fill='none' \
         stroke='{STEEL_DARK}' stroke-width='4'/><path d='M0 -68v136M-68 0h136M-48 -48l96 96\
         M48 -48l-96 96' stroke='{STEEL_DARK}' stroke-width='2'/><circle r='10' \
         fill='{STEEL_DARK}'/>"
    );
    let city = format!(
        "<path d='M108 224a88 88 0 0 1 78 26M292 250a88 88 0 0 1 160 24' fill='none' \
         stroke='{dark}' stroke-width='9' stroke-linecap='round' \
         transform='translate(-6 -18)'/>\
         <path d='M116 294l86 -6 -34 -136M202 288q20 -90 118 -118' fill='none' \
         stroke='{color}' stroke-width='15' stroke-linecap='round' stroke-linejoin='round'/>\
         <path d='M116 294l62 -100M364 294L318 140q-6 -20 22 -24 28 0 30 16' fill='none' \
         stroke='{color}' stroke-width='13' stroke-linecap='round' stroke-linejoin='round'/>\
         <path d='M338 172h62l-8 50h-46z' fill='{accent}'/><path d='M342 188h54M344 204h50' \
         stroke='{PAPER}' stroke-width='4' opacity='.7'/>"
    );
    let gravel = format!(
        "<path d='M116 294h92l-32 -118zM208 294l108 -120H178M116 294l60 -118M316 174l48 120' \
         fill='none' stroke='{color}' stroke-width='15' stroke-linecap='round' \
         stroke-linejoin='round'/><path d='M176 176l-8 -28' stroke='{STEEL_DARK}' \
         stroke-width='11'/><path d='M316 174l-12 -36h36q30 2 26 30 -6 20 -24 16' fill='none' \
         stroke='{INK}' stroke-width='12' stroke-linecap='round' stroke-linejoin='round'/>\
         <path d='M232 262l26 -28' stroke='{accent}' stroke-width='20' \
         stroke-linecap='round'/>"
    );
    let frame = paint.pick([city, gravel]);
    let (x, y) = paint.pick([(202, 288), (208, 294)]);
    format!(
        "{shadow}<g transform='translate(116 294)'>{wheel}</g>\
         <g transform='translate(364 294)'>{wheel}</g>{frame}\
         <path d='M134 148q40 -14 66 0 -10 16 -66 0z' stroke='{INK}' stroke-width='9' \
         stroke-linejoin='round' fill='{INK}'/>\
         <circle cx='{x}' cy='{y}' r='22' fill='{dark}'/><circle cx='{x}' cy='{y}' r='12' \
         fill='{STEEL}'/><path d='M{x} {y}l22 40M{x} {y}l-22 -40' stroke='{INK}' \
         stroke-width='9' stroke-linecap='round'/>"
    )
}

fn ball(paint: &Paint) -> String {
    let [color, dark, light, accent, ..] = paint.shades();
    let shadow = paint.shadow(240, 392, 120);
    let shade = format!(
        "<path d='M336 128a140 140 0 0 1 -180 214 150 150 0 0 0 180 -214z' fill='{INK}' \
         opacity='.14'/>"
    );
    let football = format!(
        "<circle cx='240' cy='240' r='142' fill='{color}'/>\
         <path d='M240 182l54 40 -20 62h-68l-20 -62zM240 98l40 26 -40 28 -40 -28zM376 200l-2 48 \
         -42 -22 14 -46zM104 200l2 48 42 -22 -14 -46zM318 350l-40 22 -4 -46 42 -20zM162 350l40 22 \
         4 -46 -42 -20z' fill='{accent}'/><path d='M240 152v30M332 226l-38 -4M148 226l38 -4\
         M274 284l0 42M206 284v42M280 124l66 56M200 124l-66 56M374 248l-58 58M106 248l58 58\
         M278 372h-76' stroke='{dark}' stroke-width='6'/>{shade}"
    );
    let basketball = format!(
        "<circle cx='240' cy='240' r='142' fill='{color}'/><g fill='none' stroke='{accent}' \
         stroke-width='9'><path d='M98 240h284M240 98v284M140 140q92 100 0 200M340 140\
         q-92 100 0 200'/></g><path d='M134 186q20 -44 56 -62' stroke='{light}' \
         stroke-width='11' fill='none' stroke-linecap='round'/>{shade}"
    );
    let volley = format!(
        "<circle cx='240' cy='240' r='142' fill='{color}'/>\
         <path d='M240 240Q150 200 122 162a142 142 0 0 1 118 -64q-40 60 0 142zM240 240q92 -28 136 \
         -44a142 142 0 0 1 -20 124q-44 -62 -116 -80zM240 240q-8 96 -44 134a142 142 0 0 1 -94 -94\
         q72 8 138 -40z' fill='{accent}'/><g fill='none' stroke='{light}' stroke-width='6'>\
         <path d='M240 240Q150 200 122 162M240 240q-40 -82 0 -142M240 240q92 -28 136 -44M240 240\
         q72 18 116 80M240 240q-8 96 -44 134M240 240q-66 48 -138 40'/></g>{shade}"
    );
    shadow + &paint.pick([football, basketball, volley])
}

fn backpack(paint: &Paint) -> String {
    let [color, dark, light, accent, accent_dark, _] = paint.shades();
    let shadow = paint.shadow(240, 402, 130);
    let day = format!(
        "<path d='M206 96q0 -38 34 -38t34 38' fill='none' stroke='{INK}' stroke-width='13'/>\
         <path d='M128 210q0 -124 112 -124t112 124v152q0 36 -36 36H164q-36 0 -36 -36z' \
         fill='{color}'/><path d='M300 104q52 34 52 106v152q0 36 -36 36h-30q26 -40 26 -130 \
         0 -110 -12 -164z' fill='{dark}' opacity='.5'/>\
         <path d='M160 208q0 -86 80 -86t80 86' fill='none' stroke='{accent}' stroke-width='8'/>\
         <path d='M152 262q0 -18 18 -18h140q18 0 18 18v82q0 28 -28 28H180q-28 0 -28 -28z' \
         fill='{light}'/><path d='M164 268h152' stroke='{accent}' stroke-width='8' \
         stroke-linecap='round'/><path d='M298 264v26' stroke='{accent_dark}' \
         stroke-width='9' stroke-linecap='round'/>\
         <rect x='214' y='180' width='52' height='30' rx='6' fill='{accent}'/>"
    );
    let trek = format!(
        "<path d='M206 104q0 -34 34 -34t34 34' fill='none' stroke='{INK}' stroke-width='13'/>\
         <rect x='150' y='66' width='180' height='44' rx='22' fill='{accent}'/>\
         <path d='M176 66v44M304 66v44' stroke='{INK}' stroke-width='8'/>\
         <path d='M134 180q0 -60 60 -60h92q60 0 60 60v182q0 36 -36 36H170q-36 0 -36 -36z' \
         fill='{color}'/><path d='M104 262q0 -14 14 -14h22v124h-18q-18 0 -18 -18zM376 262\
         q0 -14 -14 -14h-22v124h18q18 0 18 -18z' fill='{dark}'/>\
         <path d='M128 158q0 -34 34 -34h156q34 0 34 34v34q0 26 -26 26H154q-26 0 -26 -26z' \
         fill='{light}'/><path d='M186 200h18v92h-18zM276 200h18v92h-18z' fill='{INK}'/>\
         <rect x='180' y='264' width='30' height='20' rx='4' fill='{accent}'/>\
         <rect x='270' y='264' width='30' height='20' rx='4' fill='{accent}'/>\
         <rect x='162' y='308' width='156' height='66' rx='16' fill='{dark}'/>\
         <path d='M176 322h128' stroke='{accent}' stroke-width='7' stroke-linecap='round'/>"
    );
    shadow + &paint.pick([day, trek])
}

fn mat(paint: &Paint) -> String {
    let [color, dark, light, accent, ..] = paint.shades();
    let shadow = paint.shadow(250, 360, 180);
    format!(
        "{shadow}<path d='M362 340h48q20 0 20 15H362z' fill='{dark}'/>\
         <rect x='66' y='185' width='300' height='171' rx='14' fill='{color}'/>\
         <path d='M66 318h300v38H80q-14 0 -14 -14z' fill='{dark}' opacity='.5'/><path d='M70 \
         240h292M70 300h292' stroke='{dark}' \
         stroke-width='4' opacity='.4'/><path d='M130 186h34v170h-34zM266 186h34v170h-34z' \
         fill='{accent}'/><path d='M147 186C147 90 283 90 283 186' fill='none' \
         stroke='{accent}' stroke-width='15'/><circle cx='362' cy='270' r='85' \
         fill='{light}'/><path d='M362 270a12 12 0 0 1 24 0a24 24 0 0 1 -48 0a36 36 0 0 1 72 0\
         a48 48 0 0 1 -96 0a60 60 0 0 1 120 0a72 72 0 0 1 -144 0' fill='none' \
         stroke='{color}' stroke-width='9'/>"
    )
}

fn dumbbell(paint: &Paint) -> String {
    let [color, dark, light, accent, ..] = paint.shades();
    let bar = format!(
        "<g transform='rotate(-24 240 240)'><rect x='120' y='224' width='240' height='36' rx='12' \
         fill='{STEEL_DARK}'/><path d='M176 228h128v28H176z' fill='{STEEL}'/>\
         <path d='M190 228l-10 28M214 228l-10 28M238 228l-10 28M262 228l-10 28M286 228l-10 28' \
         stroke='{STEEL_DARK}' stroke-width='4'/>\
         <path d='M106 156h44l16 24v124l-16 24h-44l-16 -24V180zM374 156h-44l-16 24v124l16 24h44\
         l16 -24V180z' fill='{color}'/><path d='M144 156h6l16 24v124l-16 24h-6zM336 156h-6l-16 24\
         v124l16 24h6z' fill='{dark}'/><path d='M108 204v76M372 204v76' stroke='{light}' \
         stroke-width='9' stroke-linecap='round'/>\
         <circle cx='126' cy='242' r='13' fill='{accent}'/>\
         <circle cx='354' cy='242' r='13' fill='{accent}'/></g>"
    );
    let bell = format!(
        "<path d='M182 232C120 70 360 70 298 232' fill='none' stroke='{dark}' \
         stroke-width='36'/><path d='M240 176c82 0 122 56 122 116 0 48 -26 82 -54 98H172\
         c-28 -16 -54 -50 -54 -98 0 -60 40 -116 122 -116z' fill='{color}'/>\
         <path d='M290 186c50 20 72 64 72 106 0 48 -26 82 -54 98h-46c60 -50 66 -136 28 -204z' \
         fill='{dark}' opacity='.6'/><circle cx='232' cy='294' r='50' fill='{accent}'/>\
         <path d='M212 294h40M232 274v40' stroke='{PAPER}' stroke-width='11' \
         stroke-linecap='round'/><path d='M144 282q4 -44 40 -66' stroke='{light}' \
         stroke-width='10' fill='none' stroke-linecap='round'/>"
    );
    let shadow = paint.shadow(240, 392, 140);
    shadow + &paint.pick([bar, bell])
}

fn sleeping_bag(paint: &Paint) -> String {
    let [color, dark, light, accent, ..] = paint.shades();
    format!(
        "<g transform='rotate(32 240 240)'><path d='M166 116q0 -66 74 -66t74 66l20 60q10 40 -14 \
         190 -8 60 -80 60t-80 -60q-24 -150 -14 -190z' transform='translate(14 10)' \
         fill='{INK}' opacity='.15'/><path d='M166 116q0 -66 74 -66t74 66l20 60q10 40 -14 190 \
         -8 60 -80 60t-80 -60q-24 -150 -14 -190z' fill='{color}'/>\
         <path d='M152 216q88 24 176 0M152 262q88 24 176 0M156 308q84 24 168 0M162 354q78 22 156 \
         0' \
         fill='none' stroke='{dark}' stroke-width='6'/>\
         <path d='M178 122q0 -58 62 -58t62 58q0 54 -62 54t-62 -54z' fill='{accent}'/>\
         <path d='M196 126q0 -40 44 -40t44 40q0 36 -44 36t-44 -36z' fill='{INK}' \
         opacity='.4'/><rect x='204' y='118' width='72' height='40' rx='18' fill='{PAPER}'/>\
         <path d='M300 162q24 110 4 230' fill='none' stroke='{accent}' stroke-width='7'/>\
         <path d='M162 190q-10 60 6 160' fill='none' stroke='{light}' stroke-width='8' \
         stroke-linecap='round'/></g>"
    )
}

fn helmet(paint: &Paint) -> String {
    let [color, dark, light, accent, ..] = paint.shades();
    let shadow = paint.shadow(240, 380, 150);
    let vents = format!(
        "<path d='M170 150q50 -30 80 -22l-18 78q-54 0 -88 24 0 -46 26 -80zM278 134q46 16 68 56l-36 \
         34q-24 -18 -54 -20zM128 254q38 -26 96 -28l-6 28q-46 4 -86 22zM252 228q30 2 52 20l-22 20\
         q-16 -12 -34 -14z' fill='{INK}'/>"
    );
    let smooth = format!(
        "<path d='M116 232q130 -54 262 0l2 24q-134 -52 -266 0z' fill='{accent}'/>\
         <path d='M170 138h.1M240 122h.1M310 138h.1' stroke='{dark}' stroke-width='17' \
         stroke-linecap='round'/>"
    );
    let shell = paint.pick([vents, smooth]);
    format!(
        "{shadow}<path d='M146 290q20 88 84 88M334 280q-20 98 -104 98' fill='none' \
         stroke='{INK}' stroke-width='11'/><rect x='206' y='368' width='46' height='19' rx='7' \
         fill='{accent}'/><path d='M84 292q-8 -200 156 -204 160 2 160 178 0 22 -22 22H120\
         q-32 2 -36 4z' fill='{color}'/>\
         <path d='M330 122q70 48 70 144 0 22 -22 22h-50q40 -80 2 -166z' fill='{dark}' \
         opacity='.6'/>{shell}<path d='M84 292q4 -18 40 -18h270q-6 18 -22 18H196q-70 0 -112 0z' \
         fill='{accent}'/><path d='M112 206q16 -60 56 -86' stroke='{light}' stroke-width='9' \
         fill='none' stroke-linecap='round'/>"
    )
}

fn skateboard(paint: &Paint) -> String {
    let [color, dark, light, accent, ..] = paint.shades();
    let shadow = paint.shadow(240, 352, 190);
    let wheel = format!(
        "<circle r='30' fill='{accent}'/><circle r='13' fill='{PAPER}'/><circle r='5' \
         fill='{INK}'/>"
    );
    let length = paint.pick([0, 24]);
    let (left, right) = (134 - length, 346 + length);
    format!(
        "{shadow}<path d='M118 284h60l-14 34h-32zM302 284h60l-14 34h-32z' fill='{STEEL_DARK}'/>\
         <g transform='translate({left} 320)'>{wheel}</g>\
         <g transform='translate({right} 320)'>{wheel}</g>\
         <path d='M38 226q-6 -20 14 -18 18 2 34 22 20 26 54 26h200q34 0 54 -26 16 -20 34 -22 20 -2 \
         14 18 -22 62 -84 66H122q-62 -4 -84 -66z' fill='{color}'/>\
         <path d='M40 218q4 -12 18 -8 16 6 30 24 18 24 52 24h200q34 0 52 -24 14 -18 30 -24 14 -4 \
         18 8 -8 -2 -18 8 -26 46 -82 46H140q-56 0 -82 -46 -10 -10 -18 -8z' fill='{INK}'/>\
         <path d='M150 282h180' stroke='{light}' stroke-width='6' stroke-linecap='round' \
         stroke-dasharray='44 16'/><path d='M92 262q10 8 24 12M388 262q-10 8 -24 12' \
         stroke='{dark}' stroke-width='6' fill='none'/>"
    )
}

fn racket(paint: &Paint) -> String {
    let [color, dark, light, accent, ..] = paint.shades();
    let strung = format!(
        "<g transform='rotate(36 220 220)'><path d='M166 90v170M192 76v194M220 70v206M248 76v194\
         M274 90v170M142 130h156M134 164h172M138 198h164M152 232h136' stroke='{STEEL_DARK}' \
         stroke-width='3'/><ellipse cx='220' cy='170' rx='92' ry='112' fill='none' \
         stroke='{color}' stroke-width='19'/><path d='M128 170a92 112 0 0 1 92 -112' \
         fill='none' stroke='{light}' stroke-width='6'/>\
         <path d='M180 272q40 20 80 0l-26 62h-28z' fill='{dark}'/>\
         <rect x='203' y='326' width='34' height='122' rx='12' fill='{accent}'/>\
         <path d='M203 350l34 12M203 376l34 12M203 402l34 12M203 428l34 10' stroke='{INK}' \
         stroke-width='4' opacity='.5'/></g><circle cx='366' cy='344' r='35' fill='#d9e34f'/>\
         <path d='M340 322q26 20 16 56M392 366q-26 -20 -16 -56' stroke='{PAPER}' \
         stroke-width='5' fill='none'/>"
    );
    let paddle = format!(
        "<g transform='rotate(-34 220 220)'><path d='M196 296h48l6 108q0 18 -18 18h-24q-18 0 -18 \
         -18z' fill='{accent}'/><path d='M196 296h24v126h-12q-18 0 -18 -18z' fill='{INK}' \
         opacity='.18'/><circle cx='220' cy='184' r='120' fill='{dark}'/>\
         <circle cx='220' cy='184' r='111' fill='{color}'/>\
         <path d='M122 262q98 -34 196 0l-36 46H158z' fill='{accent}'/>\
         <path d='M138 178q4 -54 50 -74' stroke='{light}' stroke-width='9' fill='none' \
         stroke-linecap='round'/></g><circle cx='146' cy='368' r='30' fill='{PAPER}'/>\
         <path d='M126 384a28 28 0 0 0 46 -8' stroke='{STEEL}' stroke-width='6' fill='none'/>"
    );
    paint.pick([strung, paddle])
}
