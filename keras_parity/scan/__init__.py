"""A survey of Keras: every layer of keras.layers and every function of keras.ops, compared across backends."""
