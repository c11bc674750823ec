"""Sensor health: silence, clocks, floods and bad input are found and said."""

from araz.sensors import clock_offsets_us, flood_limit_per_s, health_init, health_step
from araz.vocabulary import Feed, Format, Observation, Polar, Rejected, Sensor, SensorKind, SensorState, Site

S = 1_000_000


def site(*sensors):
    return Site(
        name="test", time_zone="UTC", origin_latitude_deg=39, origin_longitude_deg=47, origin_hae_m=0,
        geoid_undulation_m=0, border="b", own_side="left", feeds=[Feed(id="f", format=Format.ASTERIX),
        Feed(id="g", format=Format.SAPIENT)], sensors=list(sensors),
    )  # fmt: skip


def radar(id="radar", feed="f", **more):
    return Sensor(id=id, kind=SensorKind.RADAR, feed=feed, latitude_deg=39, longitude_deg=47, **more)


def plot(at_us, received_us=None, sensor_id="radar"):
    received_us = at_us if received_us is None else received_us
    return Observation(
        sensor_id=sensor_id, observed_at_us=at_us, received_at_us=received_us,
        measurement=Polar(range_m=1000.0, azimuth_deg=10.0),
    )  # fmt: skip


def drive(state, seconds, make, source="f", start=0):
    said = []
    for t in range(start, start + seconds):
        state, more = health_step(state, source, make(t), t * S)
        said += more
    return state, said


def states(said, sensor_id="radar"):
    return [item.state for item in said if item.sensor_id == sensor_id]


def test_a_dead_sensor_is_said_once_and_comes_back():
    state = health_init(site(radar(silent_after_s=10.0)))
    state, said = drive(state, 20, lambda t: [plot(t * S)])
    assert states(said)[-1] == SensorState.OK
    state, said = drive(state, 30, lambda t: [], source="other", start=20)
    assert states(said).count(SensorState.SILENT) == 1
    assert "quiet there means nothing" in said[-1].sentence
    state, said = drive(state, 2, lambda t: [plot(t * S)], start=50)
    assert states(said)[0] == SensorState.OK


def test_a_sensor_that_was_never_heard_is_silent_too():
    state = health_init(site(radar(silent_after_s=10.0)))
    _, said = drive(state, 15, lambda t: [], source="other")
    assert states(said)[-1] == SensorState.SILENT


def test_silence_of_receivers_is_normal():
    state = health_init(site(radar(silent_after_s=0.0)))
    _, said = drive(state, 100, lambda t: [], source="other")
    assert SensorState.SILENT not in states(said)


def test_a_clock_three_seconds_off_is_named_and_corrected():
    for error_s, word in ((3, "behind"), (-3, "ahead")):
        state = health_init(site(radar()))
        state, said = drive(state, 20, lambda t, e=error_s: [plot((t + 100 - e) * S, (t + 100) * S)])
        assert states(said)[-1] == SensorState.LYING
        assert word in said[-1].sentence
        assert said[-1].clock_error_s == error_s
        assert clock_offsets_us(state) == {"radar": error_s * S}


def test_one_late_message_is_not_a_wrong_clock():
    state = health_init(site(radar()))
    state, _ = drive(state, 20, lambda t: [plot((t + 100) * S)])
    state, _ = health_step(state, "f", [plot(100 * S, 130 * S)], 130 * S)
    assert clock_offsets_us(state) == {}


def test_a_flood_is_called_one():
    sensor = radar()
    state = health_init(site(sensor))
    many = int(flood_limit_per_s(sensor) * 2)
    _, said = drive(state, 5, lambda t: [plot(t * S)] * many)
    assert states(said)[-1] == SensorState.DEGRADED
    assert "floods" in next(item for item in reversed(said) if item.sensor_id == "radar").sentence


def test_rejects_are_counted_by_reason_on_the_feed_or_its_only_sensor():
    bad = Rejected(source="f", received_at_us=0, reason="truncated", detail="", raw=b"")
    state = health_init(site(radar()))
    _, said = drive(state, 25, lambda t: [bad])
    assert said[-1].reject_reasons["truncated"] == said[-1].rejects > 0
    two = health_init(site(radar("a", "g"), radar("b", "g")))
    _, said = drive(two, 25, lambda t: [bad], source="g#3")
    assert any(item.sensor_id == "feed g" and item.rejects > 0 for item in said)


def test_reject_reasons_do_not_grow_without_bound():
    state = health_init(site(radar()))
    for t in range(200):
        bad = Rejected(source="f", received_at_us=0, reason=f"r{t}", detail="", raw=b"")
        state, _ = health_step(state, "f", [bad], t * S)
    reasons = state.rows["radar"].reasons
    assert len(reasons) <= 33
    assert sum(reasons.values()) == 200


def test_garbage_does_not_make_a_sensor_alive():
    bad = Rejected(source="f", received_at_us=0, reason="truncated", detail="", raw=b"")
    state = health_init(site(radar(silent_after_s=10.0)))
    _, said = drive(state, 30, lambda t: [bad])
    assert states(said)[-1] == SensorState.SILENT
