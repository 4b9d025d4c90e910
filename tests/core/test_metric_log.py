from __future__ import annotations

import numpy as np

from nnviz_widgets.core.metric_log import MetricLog, present


def test_a_metric_that_was_nan_is_told_from_one_that_there_was_not():
    log = MetricLog()
    log.append(1, 0, {"loss": np.nan})
    log.append(2, 0, {"loss": 1.0, "accuracy": -np.nan})
    log.append(3, 0, {"accuracy": 0.5})
    log.amend(3, {"val_loss": np.float64(np.float32("nan"))})
    had = {name: present(column).tolist() for name, column in log.columns().items()}
    assert had == {
        "loss": [True, True, False],
        "accuracy": [False, True, True],
        "val_loss": [False, False, True],
    }
    assert np.isnan(log.columns()["loss"][[0, 2]]).all()


def test_it_is_told_where_columns_grow_and_where_rows_come_in_blocks():
    log = MetricLog()
    for step in range(1, 1026):
        log.append(step, 0, {"loss": 1.0} if step % 2 else {"other": np.nan})
    steps = np.arange(1026, 1030)
    log.extend(steps, np.zeros(4, np.int64), {"loss": np.ones(4)})
    columns = log.columns()
    np.testing.assert_array_equal(present(columns["loss"])[:1025], np.arange(1, 1026) % 2 == 1)
    np.testing.assert_array_equal(present(columns["other"])[:1025], np.arange(1, 1026) % 2 == 0)
    assert not present(columns["other"])[1025:].any()
    assert present(columns["loss"])[1025:].all()
