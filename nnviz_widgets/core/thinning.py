"""Which kept steps to give up first when memory runs short: the newest stay dense, older ones grow sparser.

Every kept step has an *ordinal*, the count of steps that were kept before it. The largest power of two that divides
an ordinal is its *stride*: half of all ordinals have stride 1, a quarter stride 2, and so on. A step is given up when
its age exceeds `m` times its stride. So up to age `m` every step is left, up to age `2m` every second, up to `4m`
every fourth: the spacing is proportional to the age, and `n` steps need about `m + m / 2 * log2(n / m)` places.

The rule looks at ordinal and age alone, never at what was dropped before. A repeated pass therefore never wants back
what an earlier one gave up, and spacing cannot drift, as it does when the history is resampled again and again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

SLACK = 1 / 16
"""How far below its limit a store is brought when it went over, so that not every new step pays for a pass."""


def drop_order(ordinals: npt.ArrayLike, newest: int) -> npt.NDArray[np.intp]:
    """Order kept steps by how little they are missed, the first to drop first.

    Args:
        ordinals: Shape `(n,)`, ascending: how many steps had been kept before each of these.
        newest: Ordinal of the newest kept step.

    Returns:
        Shape `(n,)`, indices into `ordinals`. Ordinal 0, the oldest, comes late: it has the largest stride of all.
    """
    kept = np.asarray(ordinals, dtype=np.int64)
    stride = np.where(kept == 0, np.inf, (kept & -kept).astype(np.float64))
    crowding = (newest - kept) / stride
    return np.argsort(-crowding, kind="stable")


def surviving(ordinals: npt.ArrayLike, newest: int, n_places: int) -> npt.NDArray[np.bool_]:
    """Choose which of many equally large steps stay when only `n_places` may.

    Args:
        ordinals: Shape `(n,)`, ascending, as in `drop_order`.
        newest: Ordinal of the newest kept step.
        n_places: How many may stay.

    Returns:
        Shape `(n,)`, true where a step stays.
    """
    order = drop_order(ordinals, newest)
    stays = np.ones(order.size, dtype=np.bool_)
    stays[order[: max(0, order.size - n_places)]] = False
    return stays
