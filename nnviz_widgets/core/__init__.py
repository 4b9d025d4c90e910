"""Reading a model while it trains, without any display: only `backends` knows Keras."""
