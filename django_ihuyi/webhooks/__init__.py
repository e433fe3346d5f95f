"""Where the platform pushes to: plain Django views, because no setting of a REST framework shall reach them."""
