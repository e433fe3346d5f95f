from tests.support.live_platform import platform, run, site  # noqa: F401 - fixtures
