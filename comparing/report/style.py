"""The page's look: the engine's, with what charts, questions and images add to it.

A backend's colours are Okabe and Ito's vermilion, blue and green, which every common form of colour blindness tells
apart, lighter on a dark page; dashes are the second sign.
"""

from keras_parity.names import TRAINING_BACKENDS
from keras_parity.report.style import style_sheet as engine_style_sheet


def style_sheet() -> str:
    """Return the page's CSS."""
    return f"{engine_style_sheet()}{_RULES}"


_LIGHT = (
    "--tensorflow:#d55e00;--jax:#0072b2;--torch:#009e73;--other:#6e6e6e;"
    "--pair0:#b0528a;--pair1:#b87a00;--pair2:#2b8cc4;--more:#d55e00;--less:#0072b2;"
)
_DARK = (
    "--tensorflow:#f08a3c;--jax:#56b4e9;--torch:#2bc79a;--other:#a8a8a8;"
    "--pair0:#dc93bf;--pair1:#e9b33a;--pair2:#7cc6f0;--more:#f08a3c;--less:#56b4e9;"
)
_RULES = (
    f":root{{{_LIGHT}}}\n@media (prefers-color-scheme:dark){{:root{{{_DARK}}}}}"
    + """
.questions{display:grid;grid-template-columns:repeat(2,minmax(0,1fr));gap:.7rem;margin:1.2rem 0}
.question{background:var(--card);border:1px solid var(--line);border-left:4px solid var(--muted);border-radius:6px;
 padding:.7rem .9rem}
.question.agree{border-left-color:var(--agree)}
.question.disagree{border-left-color:var(--disagree)}
.question h3{display:flex;justify-content:space-between;gap:.5rem;align-items:baseline}
.question h3 .is{font-weight:650;white-space:nowrap}
.question .is.agree{color:var(--agree)}
.question .is.disagree{color:var(--disagree)}
.question .big{font-size:1.15rem;font-weight:600;font-variant-numeric:tabular-nums}
.question p{font-size:.92rem}
.question details{font-size:.86rem}
.charts{display:grid;grid-template-columns:repeat(2,minmax(0,1fr));gap:1rem 1.5rem}
.charts h3{font-size:.95rem;font-weight:600;margin:.2rem 0}
figure{margin:0}
.chart{display:block;width:100%;height:auto}
.chart text{font-size:13px;fill:var(--muted)}
.chart text.value{fill:#fff;font-weight:650}
.chart .grid{stroke:var(--line);stroke-width:1}
.line{fill:none;stroke:var(--other);stroke-width:2;stroke-linejoin:round}
.dot,.bar,.band{fill:var(--other)}
.band{opacity:.2}
.band.chaos{opacity:.6;fill:var(--ink);stroke:var(--ink)}
.whisker{stroke:var(--ink);stroke-width:1.5;fill:none}
.keys{display:flex;flex-wrap:wrap;gap:.1rem .9rem;list-style:none;padding:0;margin:.2rem 0;font-size:.84rem}
.keys svg{vertical-align:-1px}
.keys li{margin:0}
.numbers{font-size:.9rem;border-spacing:0}
.numbers th,.numbers td{text-align:right;padding:.3rem 0 .3rem .9rem;border-top:1px solid var(--line);font-weight:400;
 white-space:nowrap}
.numbers th:first-child{text-align:left;padding-left:0;font-weight:600}
.numbers thead th{border-top:0;color:var(--muted);vertical-align:bottom;white-space:normal}
.swatch{display:inline-block;width:.7rem;height:.7rem;border-radius:2px;margin-right:.4rem;background:var(--other)}
.images{display:grid;grid-template-columns:repeat(auto-fill,minmax(7.4rem,1fr));gap:.8rem;padding:0;list-style:none}
.images li{margin:0;font-size:.8rem;line-height:1.35}
.images img{width:100%;max-width:7.4rem;image-rendering:pixelated;border:1px solid var(--line);display:block}
.images .wrong{color:var(--disagree);font-weight:650}
.confusions{display:grid;grid-template-columns:repeat(auto-fit,minmax(19rem,1fr));gap:1rem 1.5rem}
.confusion{border-spacing:1px;table-layout:fixed;font-size:.72rem}
.confusion th{font-weight:500;color:var(--muted);overflow:hidden;text-overflow:ellipsis;padding:1px}
.confusion td{text-align:center;height:1.45rem;padding:0}
"""
    + "".join(
        f".line.{kind}{{stroke:var(--{kind})}}\n.dot.{kind},.bar.{kind},.band.{kind}{{fill:var(--{kind})}}\n"
        f".swatch.{kind}{{background:var(--{kind})}}\n"
        for kind in (*TRAINING_BACKENDS, "pair0", "pair1", "pair2")
    )
    + """
@media (prefers-color-scheme:dark){.chart text.value{fill:#000}}
@media (max-width:44rem){
 .questions,.charts{grid-template-columns:minmax(0,1fr)}
 .numbers thead{display:none}
 .numbers,.numbers tbody,.numbers tr,.numbers th,.numbers td{display:block}
 .numbers tr{border-top:1px solid var(--line);padding:.4rem 0}
 .numbers th,.numbers th:first-child,.numbers td{border:0;padding:.05rem 0;text-align:left;white-space:normal;
  overflow-wrap:anywhere}
 .numbers td::before{content:attr(data-label) ": ";color:var(--muted)}
 .images{grid-template-columns:repeat(3,minmax(0,1fr))}
 .confusions{grid-template-columns:minmax(0,1fr)}
}
"""
)
