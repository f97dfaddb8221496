"""The REST side, one file a resource. Work is done in threads; replies are structs."""

from __future__ import annotations

from footloom.server.routes.book import book
from footloom.server.routes.chart_profiles import chart_profiles, profile_kinds
from footloom.server.routes.charts import bars, footprint
from footloom.server.routes.health import feeds
from footloom.server.routes.jobs import (
    job,
    job_events,
    jobs,
    start_fetch,
    start_import,
    stop_job,
    upload,
    upload_removed,
    uploads,
)
from footloom.server.routes.layouts import delete_layout, layout, layouts, save_layout
from footloom.server.routes.options import (
    chain,
    chains,
    follow_options,
    open_interest_heat,
    options_history,
    read_out_now,
    smile,
)
from footloom.server.routes.orders import large_orders, order_kinds
from footloom.server.routes.parameters import Shared, chart_request, check_query
from footloom.server.routes.profiles import profile
from footloom.server.routes.stored import CoverageRow, InstrumentRow, coverage, instruments
from footloom.server.routes.streams import stream_bars, streams
from footloom.server.routes.studies import studies, study_values
from footloom.server.routes.symbols import symbols
from footloom.server.routes.trades import TradeList, TradeRow, trades

__all__ = (
    "ROUTES",
    "CoverageRow",
    "InstrumentRow",
    "Shared",
    "TradeList",
    "TradeRow",
    "chart_request",
    "check_query",
)

ROUTES = (
    instruments,
    symbols,
    feeds,
    coverage,
    bars,
    footprint,
    profile,
    profile_kinds,
    chart_profiles,
    order_kinds,
    large_orders,
    trades,
    streams,
    stream_bars,
    book,
    studies,
    study_values,
    chains,
    follow_options,
    chain,
    options_history,
    read_out_now,
    open_interest_heat,
    smile,
    jobs,
    start_import,
    start_fetch,
    job,
    stop_job,
    job_events,
    uploads,
    upload,
    upload_removed,
    layouts,
    layout,
    save_layout,
    delete_layout,
)
