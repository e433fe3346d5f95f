"""System checks: one function a finding, ids that stay."""
