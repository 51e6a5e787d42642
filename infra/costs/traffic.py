"""What a month is like: how much is asked and sent, and what one request of each kind takes."""

from dataclasses import dataclass

__all__ = ["Traffic"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """A month of a platform. The first three are its own; the others are printed with the answer.

    Attributes:
        viewers: Viewers who have a list.
        requests: Requests for recommendations a month.
        events: Viewing events a month.
        movies: In the catalogue.
        trainings: Training runs a month, each followed by a release.
        training_hours: Duration of one training run.
        release_states: State transitions of a training run with its release.
        events_a_post: Events that a client sends in one request.
        live_share: Share of events that call for a refresh: those of viewers who have a list.
        events_a_refresh: Events of one viewer that one refresh takes together.
        refreshes_a_call: Viewers that one call of refresh_topk refreshes.
        recommend_ms: Billed duration of an answer.
        ingest_ms: Billed duration of a request with events.
        refresh_ms: Billed duration of one viewer's refresh.
        release_s: Billed duration of a release.
        answer_bytes: An answer of 25 items on the wire, headers included.
        list_bytes: A viewer's row in the top-K table.
        event_bytes: An event as JSON.
        activity_bytes: An event in the activity table, with its share of a day's set.
        line_bytes: The log line of an answer.
        platform_log_bytes: What Lambda itself logs of each call.
        seen_days: Day sets read with each list: days since the model's data snapshot.
        activity_days: Days that activity is kept.
        lake_months: Months of events that the lake holds.
    """

    viewers: int
    requests: int
    events: int
    movies: int = 27_000
    trainings: int = 30
    training_hours: float = 1
    release_states: int = 60
    events_a_post: int = 10
    live_share: float = 0.9
    events_a_refresh: float = 1.5
    refreshes_a_call: float = 10
    recommend_ms: float = 15
    ingest_ms: float = 40
    refresh_ms: float = 15
    release_s: float = 300
    answer_bytes: int = 1_400
    list_bytes: int = 2_000
    event_bytes: int = 150
    activity_bytes: int = 300
    line_bytes: int = 900
    platform_log_bytes: int = 300
    seen_days: int = 2
    activity_days: int = 90
    lake_months: int = 12

    @property
    def posts(self) -> float:
        """Requests with events a month."""
        return self.events / self.events_a_post

    @property
    def refreshes(self) -> float:
        """Lists refreshed a month."""
        return self.events * self.live_share / self.events_a_refresh
