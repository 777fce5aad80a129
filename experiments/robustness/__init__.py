"""Which regularisation survives which bias: objectives × kinds of bias × amounts of data."""
