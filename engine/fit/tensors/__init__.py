"""The step of the fit on tensors: the same energy as the compiled loops, on a graphics card.

Nothing in here asks the host for anything: shapes are fixed, what depends on data is chosen by
`torch.where`, loops have fixed counts. So a step can be captured as one CUDA graph. The module of
engine/fit that a module in here follows line by line stands in its docstring; tests hold them
together.
"""
