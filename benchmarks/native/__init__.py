"""`mnist_cnn` written by hand in each framework, without Keras: what our training is measured against.

Each module has a class `Loop(data, log_every)` with `run_epoch(order)`. All three train the same architecture with Adam
at 0.001 on batches of 50 from pixels that are already scaled, and log as the original does: every `log_every` steps the
step's loss and the accuracy on the first 2,000 test images.
"""
