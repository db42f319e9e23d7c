"""The page's look: the colours of the picture's scale, light and dark, and the style sheet.

The scale runs from blue, within the threshold, to orange and red-brown, beyond it: two hues that every common form of
colour blindness tells apart, and that differ in lightness too. Colour is never the only sign: a difference has a ▲ and
bold type as well.
"""

# Step: (ground, ink) on a light page, (ground, ink) on a dark one. Ours; a test computes that each ink is readable.
SCALE = {
    "w0": (("#edf4fa", "#1b2a38"), ("#1a2632", "#c9d6e2")),
    "w1": (("#cfe2f2", "#1b2a38"), ("#20405a", "#dbe8f3")),
    "w2": (("#9cc5e5", "#12202c"), ("#285d85", "#eef5fb")),
    "w3": (("#64a3d3", "#0a141d"), ("#3179ad", "#ffffff")),
    "b0": (("#f8c777", "#241500"), ("#8f5600", "#ffffff")),
    "b1": (("#e8892b", "#1d0e00"), ("#c8741a", "#000000")),
    "b2": (("#bf4a0b", "#ffffff"), ("#ef9444", "#000000")),
    "b3": (("#7a2400", "#ffffff"), ("#ffc591", "#1d0e00")),
    "none": (("#f4f4f4", "#595959"), ("#1d1f22", "#a0a4a8")),
}


def style_sheet() -> str:
    """Return the page's CSS."""
    light, dark = (
        "".join(f"--{step}:{shades[i][0]};--{step}-ink:{shades[i][1]};" for step, shades in SCALE.items())
        for i in (0, 1)
    )
    steps = "".join(
        f".{step}{{background:var(--{step});color:var(--{step}-ink);fill:var(--{step})}}\n" for step in SCALE
    )
    return (
        f":root{{color-scheme:light dark;{_LIGHT}{light}}}\n"
        f"@media (prefers-color-scheme:dark){{:root{{{_DARK}{dark}}}}}\n{_RULES}{steps}"
    )


_LIGHT = (
    "--page:#ffffff;--card:#f7f8f9;--ink:#1a1c1e;--muted:#5a6066;--line:#d9dde1;--link:#00558a;"
    "--agree:#00694d;--disagree:#a83a00;--inconclusive:#5a6066;--on-badge:#ffffff;"
)
_DARK = (
    "--page:#131517;--card:#1c1f22;--ink:#e6e8ea;--muted:#a3a9af;--line:#363b40;--link:#7fc4f5;"
    "--agree:#3fbf97;--disagree:#ff9a57;--inconclusive:#a3a9af;--on-badge:#131517;"
)
_RULES = """
*{box-sizing:border-box}
body{margin:0 auto;max-width:66rem;padding:1.5rem 1.25rem 3rem;background:var(--page);color:var(--ink);
 font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
h1{font-size:1.55rem;line-height:1.3;margin:.6rem 0 .5rem;text-wrap:pretty;overflow-wrap:anywhere}
h2{font-size:1.15rem;margin:2.2rem 0 .6rem}
h3{font-size:1rem;margin:0 0 .4rem;overflow-wrap:anywhere}
p{margin:.4rem 0;overflow-wrap:anywhere}
a{color:var(--link)}
code,pre,kbd{font:.88em/1.45 ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace}
code{overflow-wrap:anywhere}
pre{background:var(--card);border:1px solid var(--line);border-radius:6px;padding:.6rem .75rem;margin:.5rem 0;
 white-space:pre-wrap;overflow-wrap:anywhere}
.muted{color:var(--muted)}
.small{font-size:.86rem}
.badge{display:inline-block;padding:.15rem .7rem;border-radius:999px;font-weight:650;color:var(--on-badge)}
.badge.agree{background:var(--agree)}
.badge.disagree{background:var(--disagree)}
.badge.inconclusive{background:var(--inconclusive)}
.card{background:var(--card);border:1px solid var(--line);border-left:4px solid var(--disagree);border-radius:6px;
 padding:.8rem 1rem;margin:.8rem 0}
.card.accepted,.card.failure{border-left-color:var(--inconclusive)}
dl{display:grid;grid-template-columns:fit-content(45%) minmax(0,1fr);gap:.15rem 1rem;margin:.3rem 0}
dt{color:var(--muted);overflow-wrap:anywhere}
dd{margin:0;overflow-wrap:anywhere}
ul{padding-left:1.2rem;margin:.4rem 0}
li{overflow-wrap:anywhere;margin:.25rem 0}
summary{cursor:pointer;color:var(--link);padding:.25rem 0}
table{border-collapse:separate;border-spacing:2px;width:100%;font-variant-numeric:tabular-nums}
caption{text-align:left;color:var(--muted);font-size:.86rem;padding:.2rem 0}
.scroll{overflow-x:auto}
.findings{font-size:.9rem;border-spacing:0;table-layout:fixed}
.findings th:nth-child(1){width:23%}
.findings th:nth-child(2){width:15%}
.findings th:nth-child(3){width:9%}
.findings th:nth-child(4){width:13%}
.findings th,.findings td{text-align:left;vertical-align:top;padding:.3rem .8rem .3rem 0;
 border-top:1px solid var(--line);overflow-wrap:anywhere}
.findings thead th{border-top:0;color:var(--muted);font-weight:500}
.findings .number{text-align:right;white-space:nowrap}
.layers{table-layout:fixed}
.layers col.name{width:34%}
.layers thead th{font-weight:600;font-size:.82rem;padding:.15rem .1rem}
.layers thead th:first-child[rowspan]{text-align:left;vertical-align:bottom}
.layers thead{position:sticky;top:0;background:var(--page);z-index:1}
.wide .layers{min-width:29rem}
.layers .first{border-left:.5rem solid transparent;background-clip:padding-box}
.layers tbody th{text-align:left;font-weight:500;padding:.1rem .5rem .1rem 0;overflow-wrap:anywhere;line-height:1.25;
 font-size:.9rem}
.layers tbody th .muted{font-weight:400;font-size:.8rem}
.layers td{text-align:center;font-size:.82rem;padding:.2rem .1rem;border-radius:3px;white-space:nowrap;height:1.7rem}
.layers td.differs{font-weight:750;box-shadow:inset 0 0 0 2px var(--ink)}
.layers tr:target th{background:var(--card);outline:2px solid var(--link)}
.legend{display:flex;flex-wrap:wrap;gap:.25rem;font-size:.8rem;margin:.5rem 0;padding:0;list-style:none}
.legend li{padding:.1rem .5rem;border-radius:3px;margin:0}
.strips{margin:.6rem 0}
.strips p{margin:.4rem 0 .1rem}
.strip{display:grid;grid-template-columns:5rem 1fr;align-items:center;gap:.5rem;margin:2px 0}
.strip>span:first-child{font-size:.82rem;text-align:right;color:var(--muted)}
.strip svg{display:block;width:100%;height:1.5rem;background:var(--card)}
.strip svg rect.differs{stroke:var(--b2);stroke-width:2px;vector-effect:non-scaling-stroke}
.marks{position:relative;height:1.1rem;font-size:.8rem;line-height:1.1rem}
.marks a{position:absolute;transform:translateX(-50%);text-decoration:none;color:var(--disagree)}
.two{display:grid;grid-template-columns:repeat(2,minmax(0,1fr));gap:0 2.5rem}
footer{margin-top:2.5rem;border-top:1px solid var(--line);padding-top:.6rem}
@media (max-width:44rem){
 body{padding:1rem .9rem 2rem}
 h1{font-size:1.25rem}
 .two{grid-template-columns:minmax(0,1fr)}
 .layers col.name{width:36%}
 .layers thead .backend span{writing-mode:vertical-rl;display:inline-block;transform:rotate(180deg)}
 .layers{border-spacing:1px 2px}
 .layers td{font-size:.72rem}
 .layers td .mark{display:block;line-height:.8}
 .layers thead{position:sticky;top:0;background:var(--page);z-index:1}
.wide .layers{min-width:29rem}
.layers .first{border-left-width:.3rem}
 .layers tbody th{font-size:.82rem;padding-right:.25rem}
 .layers tbody th .muted{display:block;font-size:.68rem}
 .strip{grid-template-columns:3.8rem 1fr;gap:.35rem}
 .strip>span:first-child{font-size:.72rem;line-height:1.1}
 .findings thead{display:none}
 .findings tbody{display:block}
 .findings tr{display:block;border-top:1px solid var(--line);padding:.3rem 0}
 .findings td{display:block;border:0;padding:0}
 .findings td[data-label]::before{content:attr(data-label) ": ";color:var(--muted)}
 .findings .number{text-align:left}
}
"""
