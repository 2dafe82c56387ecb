"""Readers of the data that the measures use. None of it ships; see engine.resources.data_folder."""
