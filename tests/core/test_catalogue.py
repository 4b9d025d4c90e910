"""One tensor stands for each kind of a layer."""

from nnviz_widgets.core.frame import Catalogue, TensorKey, TensorSpec


def of(*keys):
    return Catalogue((), tuple(TensorSpec(key, (2,), "float32", ("neuron",), 0) for key in keys))


def test_the_kernel_stands_for_a_layer_or_else_the_first_variable_and_the_first_output():
    bias, kernel = (TensorKey("d", "weights", name) for name in ("bias", "kernel"))
    gamma, beta = (TensorKey("bn", "weights", name) for name in ("gamma", "beta"))
    first, second = (TensorKey("d", "activations", output=output) for output in (0, 1))
    main = of(bias, kernel, gamma, beta, first, second).main_specs()
    assert {place: spec.key for place, spec in main.items()} == {
        ("d", "weights"): kernel,
        ("bn", "weights"): gamma,
        ("d", "activations"): first,
    }
