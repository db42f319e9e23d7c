"""Matplotlib figures, one per public function, each from arrays to a `matplotlib.figure.Figure`.

    samples.py      sample_images                                   which images does it learn from?
    curves.py       training_curves                                 how did loss and accuracy go?
    predictions.py  first_predictions, worst_classified, output_bars  what does it say of single images?
    confusion.py    confusion_matrix                                which classes does it take for which?
    tsne.py         embed, tsne_map, tsne_animation                 do the classes come apart inside it?
    saving.py       save (also figures.save)                        as a PNG file, whole or not at all

The modules import matplotlib; the package itself does not, so that a script may import it at no cost. No function uses
pyplot, opens a window or needs a display. Arguments that make no sense (no images, lengths that differ, a label
without a class, NaN) are a programmer's mistake: ValueError. A file that cannot be written is the user's: UserError.
"""

from figures.saving import save

__all__ = ["save"]
