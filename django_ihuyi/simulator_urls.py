"""Mount the pages of the simulator in this process: path("_simulator/", include("django_ihuyi.simulator_urls"))."""

from __future__ import annotations

from django.urls import re_path

from django_ihuyi import simulator_views

urlpatterns = [re_path(r"^(?P<path>.*)$", simulator_views.simulator, name="ihuyi_simulator")]
