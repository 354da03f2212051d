//! Features: the registry of names, units and formulas, and the block kernels. It knows no file, thread or sink.
