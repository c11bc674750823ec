"""The one page that knows all rooms: a journalled message in, events out.

    bytes ─▶ decode ─▶ health ─▶ scans ─▶ registration ─▶ tracking ─▶ incidents ─▶ intercept ─▶ events

Pure: the clock is the arrival time of the messages, so the same journal gives the same events, byte for byte. The
state is a value; ``step`` hands back a new one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
from msgspec.structs import replace

from araz import incidents, intercept, tracking
from araz.app._aside import ASIDE_SOURCES
from araz.app._config import SITE_SOURCE, SiteError, site_from_bundle
from araz.app._posts import (
    CORRECTED_SOURCE,
    POWER_SOURCE,
    Passed,
    PostMemory,
    noted,
    passed,
    sensors_of_posts,
    settled,
)
from araz.geography import Place
from araz.sensors import (
    DECODERS,
    HealthState,
    ScansState,
    Watch,
    claim_key,
    clock_offsets_us,
    corridor_watches,
    decode_decision,
    health_init,
    health_step,
    health_with_registration,
    keep_reading,
    power_health,
    rejected,
    scans_init,
    scans_step,
    sensor_origins,
    sensor_table,
    watch_corridors,
    weather_of,
)
from araz.tracking import Reappearance
from araz.vocabulary import (
    ERASED_SOURCE,
    ERASURE_SOURCE,
    WATERMARK,
    Alarm,
    Bearing,
    Claim,
    Correction,
    CorridorCoverage,
    Decision,
    Decoded,
    Drill,
    DrillOrder,
    Event,
    Feed,
    Format,
    IdentityVerdict,
    Incident,
    IncidentKind,
    Message,
    Observation,
    Picture,
    PowerReading,
    Rejected,
    Scan,
    SensorHealth,
    SensorKind,
    SensorRegistration,
    SensorTable,
    Site,
    TrackEvents,
    TrackPicture,
    Weather,
)

#: Source of the messages that only tell the time, so that silence is noticed, live and in a replay alike.
TICK_SOURCE: Final = "@tick"
#: Source of the steps of a release to another service: a ``Release`` as JSON.
RELEASE_SOURCE: Final = "@release"
#: Sources that Araz itself writes and that move no track: time, and what was done with the journal and by whom.
SILENT_SOURCES: Final = frozenset({TICK_SOURCE, RELEASE_SOURCE, ERASURE_SOURCE, ERASED_SOURCE}) | ASIDE_SOURCES
#: Source of what the sockets themselves refused (a message too long, an overload): a ``Rejected`` as JSON.
PROBLEM_SOURCE: Final = "@problem"
#: Source of the weather of the hour: a ``Weather`` as JSON.
WEATHER_SOURCE: Final = "@weather"
#: Source of the orders for drills, which fly beside the night and never in it.
DRILL_SOURCE: Final = "@drill"
#: What those carry: the record, the reason when the bytes are none, and its name in that sentence.
OWN_WORDS: Final[Mapping[str, tuple[type[Rejected | Weather | DrillOrder | PowerReading | Correction], str, str]]] = {
    PROBLEM_SOURCE: (Rejected, "bad-problem", "a problem record"),
    WEATHER_SOURCE: (Weather, "bad-weather", "a weather record"),
    DRILL_SOURCE: (DrillOrder, "bad-drill", "an order for a drill"),
    POWER_SOURCE: (PowerReading, "bad-power", "a reading of a battery"),
    CORRECTED_SOURCE: (Correction, "bad-correction", "a correction of the history"),
}
#: Data time that claims, bearings and reports wait for the incident rules; motion is judged, and the picture recorded,
#: when the rules themselves say that it is due (once a second). The live map asks for its own picture.
RULES_EVERY_US: Final = 250_000
#: Claims remembered; the oldest goes first, so that a storm of forged identities cannot fill the memory.
MAX_CLAIMS: Final = 4096
#: Peers of one listening feed whose decoder state is kept.
MAX_SOURCES: Final = 1024
#: Incidents that tell when the load is, or will be, on the ground of our side: the latest word counts.
LOAD_KINDS: Final = frozenset({IncidentKind.CROSSING_PREDICTED, IncidentKind.CROSSING, IncidentKind.DROP})
#: Hidden tracks for which it is worked out where they can come out, the oldest first: each costs some milliseconds.
MAX_REAPPEARS: Final = 16
REAPPEARS_EVERY_US: Final = 4_000_000
#: Verdicts on a claim by which it may be a reference for the sensors' errors.
BORNE_OUT: Final = (IdentityVerdict.SUPPORTED, IdentityVerdict.AUTHORISED)
#: How long it is remembered at least that a radar saw a track: longer than any radar turns.
SIGHTED_KEPT_US: Final = 60_000_000
#: Observations kept for the rules between two looks.
MAX_WAITING: Final = 8192


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """A configured site: what does not change between two site messages."""

    site: Site
    place: Place
    table: SensorTable
    watches: tuple[Watch, ...]
    feeds: Mapping[str, Feed]
    geometry: Mapping[str, Any]
    post_sensors: Mapping[str, frozenset[str]]


class PipelineState(msgspec.Struct, frozen=True, eq=False):
    """Everything Araz believes about a configured line, as a value."""

    now_us: int
    line: Line
    decoders: Mapping[str, Any]
    health: HealthState
    scans: ScansState
    registration: tracking.RegistrationState
    tracking: tracking.State
    drill: incidents.DrillState
    incidents: incidents.State
    claims: Mapping[int, Claim]
    health_now: Mapping[str, SensorHealth]
    expected_us: Mapping[str, int]
    waiting: tuple[Observation, ...]
    rules_us: int
    weather: Weather
    reappears: Mapping[int, tuple[Reappearance, ...]] = {}
    """Where the hidden tracks can come out, by number; worked out anew some seconds after ``reappears_us``."""
    reappears_us: int = 0
    seen_by: tuple[Any, ...] = ()
    """The health and weather by which the corridors were last judged."""
    corridors: tuple[CorridorCoverage, ...] = ()
    posts: Mapping[str, PostMemory] = {}
    """The posts that passed something on, and at a post itself its battery."""
    sighted: Mapping[int, int] = {}
    """When a radar last saw each track, while somebody claims to be there: claims are held against it."""
    borne_out: frozenset[int] = frozenset()
    """The claims that other sensors support, by key: only by them are the sensors' errors learned."""


class Heard(NamedTuple):
    """What one message said, and the feed that answers for it."""

    source: str
    decoded: Sequence[Decoded] = ()
    decisions: Sequence[Decision] = ()
    weather: Weather | None = None
    drills: Sequence[DrillOrder] = ()
    power: PowerReading | None = None
    correction: Correction | None = None


def init() -> PipelineState | None:
    """Return the state before any message: none, for there is no site yet to believe anything about."""
    return None


class Looked(NamedTuple):
    """What a message did to the tracks, and what the sensors said beside."""

    state: PipelineState
    heard: Heard
    said: list[SensorHealth]
    reports: list[SensorRegistration]
    offsets_us: Mapping[str, int]
    told: list[SensorHealth | Incident]


def looked(
    state: PipelineState, one: Passed, now_us: int, follow: Callable[[tracking.State], None] | None = None
) -> Looked:
    """Take a message as far as the tracks; nobody judges them here.

    ``follow`` is shown the tracker's state after each look of a sensor, for whoever looks back on tracks later.
    """
    decoders, heard = _decode(state, one.message)
    state, heard, told = _of_posts(state, one, heard, now_us)
    health, said = health_step(state.health, heard.source, heard.decoded, now_us)
    offsets_us = clock_offsets_us(health)
    scans, looks = scans_step(state.scans, heard.decoded, *_ending(state, one, now_us, offsets_us))
    believed, errors, reports = state.tracking, state.registration, list[SensorRegistration]()
    for look in looks:
        believed, moved = tracking.step(believed, tracking.registration_correct(errors, look, now_us))
        state = replace(state, sighted=_sighted(state, look, moved, now_us))
        if follow is not None:
            follow(believed)
        if _is_reference(state, look):
            errors, found = tracking.registration_step(errors, look, moved)
            reports.extend(found)
    state = replace(
        state, now_us=now_us, decoders=decoders, health=health, scans=scans, tracking=believed, registration=errors
    )
    return Looked(state, heard, said, reports, offsets_us, told)


def _sighted(state: PipelineState, look: Scan, moved: TrackEvents, now_us: int) -> Mapping[int, int]:
    """With the tracks that a radar's look moved more likely than not; nothing is kept while nobody claims anything."""
    if not state.claims or not state.incidents.context.radar_bits >> look.sensor_index & 1:
        return state.sighted
    seen = moved.pair_track_id[moved.pair_probability >= 0.5].tolist()
    kept = state.sighted
    if now_us // SIGHTED_KEPT_US != state.now_us // SIGHTED_KEPT_US:
        kept = {track: at_us for track, at_us in kept.items() if now_us - at_us <= SIGHTED_KEPT_US}
    return {**kept, **dict.fromkeys(seen, look.at_us_end)} if seen else kept


def _is_reference(state: PipelineState, look: Scan) -> bool:
    """Whether the sensors' errors may be learned from a look: what drones say of themselves only once it is borne out.

    A forged place that a bird happens to fly beside would else pass for the bird's, and move a radar's plots.
    """
    kind = state.incidents.context.kinds[look.sensor_index]
    return kind is not SensorKind.REMOTE_ID_RECEIVER or state.borne_out.issuperset(look.claim_key.tolist())


def _borne_out(identities: Mapping[int, Any], seen: TrackPicture) -> frozenset[int]:
    """The claims that other sensors support now, and that were never refuted."""
    claimed = np.flatnonzero(seen.claim_key)
    pairs = zip(seen.track_id[claimed].tolist(), seen.claim_key[claimed].tolist(), strict=True)
    told = [(identities.get(track), key) for track, key in pairs]
    return frozenset(key for one, key in told if one and one.verdict in BORNE_OUT and not one.was_refuted)


def step(state: PipelineState | None, message: Message) -> tuple[PipelineState, list[Event]]:
    """Take one journalled message; return the new state and what is to be said.

    Raises ``SiteError`` only for a site message that is none: without a site there is nothing to go on with.
    """
    now_us = message.received_at_us if state is None else max(state.now_us, message.received_at_us)
    if message.source == SITE_SOURCE:
        return configured(now_us, message.payload), []
    if state is None:
        raise SiteError(
            f"the journal's first message is from {message.source!r}, not {SITE_SOURCE}: no site to judge by"
        )
    if message.source in ASIDE_SOURCES:
        return state, []
    one = passed(message, state.line.site, now_us)
    if isinstance(one, Rejected):
        return replace(state, now_us=now_us), [one]
    state, heard, said, reports, offsets_us, told = looked(state, one, now_us)
    said = health_with_registration(said, state.health_now, reports, offsets_us, now_us)
    events: list[Event] = [item for item in heard.decoded if isinstance(item, Rejected)]
    said = [*said, *(item for item in told if isinstance(item, SensorHealth))]
    events.extend(said)
    events.extend(item for item in told if isinstance(item, Incident))
    known = {**state.health_now, **{item.sensor_id: item for item in said}} if said else state.health_now
    claims, waiting = _remember(state, heard.decoded)
    state = replace(
        state,
        health_now=known, claims=claims, waiting=waiting,
        weather=state.weather if heard.weather is None else heard.weather,
    )  # fmt: skip
    is_due = incidents.is_due(state.incidents, now_us)
    if is_due or heard.decisions or heard.drills or (waiting and now_us - state.rules_us >= RULES_EVERY_US):
        seen = tracking.predict_picture(state.tracking, now_us)
        state, more = _apply_rules(state, heard, seen)
        events.extend(more)
        if is_due:
            state = _with_reappears(state, seen)
            events.append(picture(state, seen))
    return state, events


def picture(state: PipelineState, seen: TrackPicture | None = None) -> Picture:
    """Return everything believed to be in the air now; ``seen`` are the tracks now, where they are known already."""
    arrays = tracking.predict_picture(state.tracking, state.now_us) if seen is None else seen
    line = state.line
    return Picture(
        at_us=state.now_us,
        tracks=incidents.tracks_of(
            state.incidents, arrays, line.place, state.claims, line.table.sensor_id, reappears=state.reappears
        ),
        cones=incidents.cones_of(state.incidents, state.now_us),
    )


def _with_reappears(state: PipelineState, seen: TrackPicture) -> PipelineState:
    """With where the tracks that terrain hides now can come out again."""
    lost = seen.track_id[seen.is_confirmed & seen.hidden][:MAX_REAPPEARS].tolist()
    is_old = seen.at_us >= state.reappears_us + REAPPEARS_EVERY_US
    if not lost and not state.reappears:
        return state
    ground = state.line.place.terrain.ground_up_m
    known = {} if is_old else state.reappears
    found = {
        number: known[number] if number in known else tracking.reappearances(state.tracking, number, ground)
        for number in lost
    }
    return replace(state, reappears=found, reappears_us=seen.at_us if is_old else state.reappears_us)


def configured(now_us: int, bundle: bytes, narrow: Callable[[Site], Site] | None = None) -> PipelineState:
    """Return the state before anything was seen of a bundle's site, or of what ``narrow`` leaves of it."""
    site, place, geometry = site_from_bundle(bundle, narrow)
    table = sensor_table(site, place)
    return PipelineState(
        now_us=now_us,
        line=Line(
            site,
            place,
            table,
            corridor_watches(place, table),
            {feed.id: feed for feed in site.feeds},
            geometry,
            sensors_of_posts(site),
        ),
        decoders={},
        health=health_init(site),
        scans=scans_init(site, place.frame, sensor_origins(site, place)),
        tracking=tracking.init(table, site.tracking),
        registration=tracking.registration_init(table, site.tracking),
        incidents=incidents.init(place, table),
        drill=incidents.DrillState(),
        claims={},
        health_now={},
        expected_us={},
        waiting=(),
        rules_us=now_us,
        weather=weather_of(place),
    )


def _decode(state: PipelineState, message: Message) -> tuple[Mapping[str, Any], Heard]:
    """Return the decoders after the message, and what it said."""
    if message.source in SILENT_SOURCES:
        return state.decoders, Heard(message.source)
    if message.source in OWN_WORDS:
        return state.decoders, _own_word(message)
    feed = state.line.feeds.get(message.source.partition("#")[0])
    if feed is None:
        detail = f"no [[feeds]] entry has the id {message.source!r}; add one to the site file"
        return state.decoders, Heard(message.source, [rejected(message, "unknown-feed", detail)])
    if feed.format == Format.DECISION:
        decision = decode_decision(message.payload)
        if isinstance(decision, str):
            return state.decoders, Heard(message.source, [rejected(message, "bad-decision", decision)])
        return state.decoders, Heard(message.source, decisions=[decision])
    decoder = DECODERS[feed.format]
    inner = state.decoders.get(message.source)
    if inner is None:
        inner = decoder.init(feed, [s for s in state.line.site.sensors if s.feed == feed.id])
    inner, decoded = decoder.step(inner, message)
    decoders = {**state.decoders, message.source: inner}
    if len(decoders) > MAX_SOURCES:
        decoders.pop(next(iter(decoders)))
    known = [_of_the_site(state.line, message, item) for item in decoded]
    return decoders, Heard(message.source, known)


def _ending(
    state: PipelineState, one: Passed, now_us: int, offsets_us: Mapping[str, int]
) -> tuple[int, Mapping[str, int], frozenset[str] | None]:
    """By which clock looks end, and whose: a post's by what it passed on, so that a slow line cuts no look in two."""
    if one.post is not None:
        return one.message.received_at_us, offsets_us, state.line.post_sensors[one.post]
    behind = [state.line.post_sensors[post] for post, memory in state.posts.items() if memory.heard_us]
    return now_us, offsets_us, frozenset(state.scans.sensors).difference(*behind) if behind else None


def _of_posts(
    state: PipelineState, one: Passed, heard: Heard, now_us: int
) -> tuple[PipelineState, Heard, list[SensorHealth | Incident]]:
    """Remember the post; of a late message keep only what was refused; tell how the battery and the history stand."""
    if one.post is None and heard.power is None and heard.correction is None:
        return state, heard, []
    posts, told = dict(state.posts), list[SensorHealth | Incident]()
    if one.post is not None:
        posts[one.post] = noted(posts.get(one.post, PostMemory()), one)
    if heard.power is not None:
        name = one.post or next((post.id for post in state.line.site.posts), "")
        battery_wh = next((post.battery_wh for post in state.line.site.posts if post.id == name), None)
        memory = posts.get(name, PostMemory())
        memory = replace(
            memory,
            readings=keep_reading(memory.readings, heard.power),
            readings_count=memory.readings_count + 1,
        )
        posts[name] = memory
        if not one.is_late:
            told.append(power_health(name, memory.readings, battery_wh, now_us, memory.readings_count))
    if heard.correction is not None:
        correction = heard.correction
        for name in correction.posts:
            posts[name] = settled(posts.get(name, PostMemory()), correction.to_us)
        told += [replace(incident, known_at_us=now_us) for incident in correction.incidents]
    if one.is_late:
        heard = Heard("", [item for item in heard.decoded if isinstance(item, Rejected)])
    return replace(state, posts=posts), heard, told


def _of_the_site(line: Line, message: Message, item: Decoded) -> Decoded:
    """Refuse what comes from a sensor whose place and errors nobody stated."""
    if isinstance(item, Rejected) or item.sensor_id in line.table.sensor_id:
        return item
    detail = f"no [[sensors]] entry for {item.sensor_id!r} on the feed {message.source!r}; add one to the site file"
    return rejected(message, "unknown-sensor", detail)


def _own_word(message: Message) -> Heard:
    """Read a record that Araz wrote into the journal itself: a problem, the weather, an order for a drill."""
    kind, reason, name = OWN_WORDS[message.source]
    try:
        record = msgspec.json.decode(message.payload, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Heard(message.source, [rejected(message, reason, f"not {name}: {error}")])
    if isinstance(record, Weather):
        return Heard(message.source, weather=record)
    if isinstance(record, PowerReading):
        return Heard(message.source, power=record)
    if isinstance(record, Correction):
        return Heard(message.source, correction=record)
    if isinstance(record, DrillOrder):
        return Heard(message.source, drills=[incidents.marked(record)])
    return Heard(record.source, [record])


def _remember(state: PipelineState, decoded: Sequence[Decoded]) -> tuple[Mapping[int, Claim], tuple[Observation, ...]]:
    """Keep the latest claim of each identity, and what the rules must see: claims, bearings, reports."""
    new = [item for item in decoded if isinstance(item, Observation)]
    claimed = {claim_key(item.claim): item.claim for item in new if item.claim is not None}
    claimed = {key: claim for key, claim in claimed.items() if key and state.claims.get(key) != claim}
    noted = tuple(item for item in new if _is_noted(item))
    claims = state.claims
    if claimed:
        claims = {**{key: claim for key, claim in claims.items() if key not in claimed}, **claimed}
        while len(claims) > MAX_CLAIMS:
            claims.pop(next(iter(claims)))
    return claims, (state.waiting + noted)[-MAX_WAITING:] if noted else state.waiting


def _is_noted(item: Observation) -> bool:
    return item.claim is not None or item.report is not None or isinstance(item.measurement, Bearing)


def _apply_rules(state: PipelineState, heard: Heard, seen: TrackPicture) -> tuple[PipelineState, list[Event]]:
    state = _watched(state)
    real = [one for one in heard.decisions if not is_drill_alarm(one)]
    inputs = incidents.Inputs(
        now_us=state.now_us,
        picture=seen,
        observations=state.waiting,
        health=tuple(state.health_now.values()),
        claims=state.claims,
        decisions=tuple(real),
        launches=_launches(state),
        corridors=state.corridors,
        sighted=state.sighted,
    )
    ruled, events = incidents.step(state.incidents, inputs)
    expected_us = dict(state.expected_us)
    for event in events:
        if isinstance(event, Incident) and event.kind in LOAD_KINDS and event.track_id is not None:
            expected_us[event.track_id] = event.at_us
    while len(expected_us) > MAX_CLAIMS:
        expected_us.pop(next(iter(expected_us)))
    state = replace(
        state, incidents=ruled, waiting=(), rules_us=state.now_us, expected_us=expected_us,
        borne_out=_borne_out(ruled.identities, seen),
    )  # fmt: skip
    said = [_with_options(state, event) if isinstance(event, Alarm) else event for event in events]
    state, drills = _apply_drill(state, heard, events)
    return state, [*said, *drills]


def is_drill_alarm(decision: Decision) -> bool:
    """Whether a decision answers a drill's card: it must not reach the real alarms, nor be recorded as theirs."""
    return decision.alarm_id.startswith(WATERMARK)


def _apply_drill(state: PipelineState, heard: Heard, events: Sequence[Event]) -> tuple[PipelineState, list[Drill]]:
    """Fly the drill beside the night; what it says is of a type of its own."""
    if state.drill.order is None and not heard.drills:
        return state, []
    answers = [one for one in heard.decisions if is_drill_alarm(one)]
    traffic = incidents.real_traffic(state.incidents, events, state.now_us)
    drill, said = incidents.drill_step(state.drill, state.line.place, state.now_us, heard.drills, answers, traffic)
    shown = [one if one.alarm is None else replace(one, alarm=_with_options(state, one.alarm)) for one in said]
    return replace(state, drill=drill), shown


def _launches(state: PipelineState) -> dict[int, tracking.LaunchArea | None]:
    """Where the drones that the rules ask about were launched: each once, while the tracker remembers the beginning."""
    return {number: launch_of(state, number) for number in incidents.launch_wanted(state.incidents, state.now_us)}


def launch_of(state: PipelineState, number: int) -> tracking.LaunchArea | None:
    """Where a track was launched, from what the tracker remembers of it; None where that says nothing."""
    trail = tracking.trail_of(tracking.trails_init(), state.tracking, number)
    if trail is None:
        return None
    return tracking.launch_area(tracking.smooth(trail), state.line.table, state.line.place.terrain.ground_up_m)


def _watched(state: PipelineState) -> PipelineState:
    """Judge the corridors again when a sensor's state or the weather changed."""
    health = state.health_now
    lying = [h.sensor_id for h in health.values() if h.is_lying]
    seen_by = (tuple((name, record.state) for name, record in sorted(health.items())), tuple(lying), state.weather)
    if seen_by == state.seen_by:
        return state
    blind = frozenset(corridor.corridor_id for corridor in state.corridors if corridor.is_blind)
    line = state.line
    corridors = watch_corridors(line.place, line.table, line.watches, health, state.weather, state.now_us, blind)
    return replace(state, seen_by=seen_by, corridors=tuple(corridors))


def _with_options(state: PipelineState, alarm: Alarm) -> Alarm:
    """Return the alarm with what can be ordered, where there is an area to send somebody to."""
    if not alarm.areas or alarm.priority > 2:
        return alarm
    place, patrols, now_us = state.line.place, state.line.site.patrols, state.now_us
    if alarm.members:
        options = intercept.rank_for_group(place, patrols, alarm, now_us, state.expected_us)
    else:
        due_us = None if alarm.track_id is None else state.expected_us.get(alarm.track_id)
        options = intercept.rank_options(place, patrols, alarm, now_us, due_us)
    return alarm if not options else replace(alarm, options=list(options))
