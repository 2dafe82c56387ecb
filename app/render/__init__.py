"""Drawing with moderngl. No Qt: the window hosts it, the overlay video runs it without a window."""
