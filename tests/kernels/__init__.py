"""The widgets in real kernels, old and new, where neither Keras nor TensorFlow can be imported."""
