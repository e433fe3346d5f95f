"""Receipts and replies of the platform: plain Django views, so that no setting of a REST framework affects them."""
