"""The desktop window. Holds no algorithm and no thread of its own."""
