"""The officer's screen in a real browser: see, decide by keyboard, replay."""

import re

import msgspec
import pytest

from araz.vocabulary import (
    MESSAGES,
    Decision,
    DecisionAction,
    PeopleReport,
    ReportKind,
    ReportReceived,
    SensorState,
    in_language,
    phrase,
    reason,
)

pytestmark = pytest.mark.browser


@pytest.fixture
def server(night_parts, serve):
    return serve(night_parts.Night(6))


def decisions_of(night):
    return [msgspec.json.decode(payload, type=Decision) for source, payload in night.submitted if source == "console"]


def noted(page, text):
    """Wait for a note and give all of it: it stays some seconds, so it is awaited before anything else is."""
    said = page.locator(".note", has_text=text)
    said.wait_for(timeout=90_000)
    return said.inner_text()


def card(page):
    return page.get_attribute("[data-alarm]", "data-alarm")


def test_the_screen_opens_with_the_most_urgent_card_and_all_tracks(server, screen, running):
    page = screen(server)
    running(page)
    assert page.evaluate("() => window.__araz.drawn") == 6
    assert card(page) == "a-1"
    text = page.inner_text(".desk")
    for piece in (
        "Heavy multirotor, no Remote ID",
        "radar-1: 31 plots in a straight line",
        "rf-1 heard no control link",
        "acoustic-3 silent since 21:56",
        "Patrol 2 to the drop area by the farm road",
        "82 %",
        "Load probably dropped",
    ):
        assert piece in text
    top = page.inner_text(".top")
    for piece in ("⚑", "lying", "○", "dead", "◐", "degraded", "UTC", "LIVE"):
        assert piece in top
    assert "acoustic-3 dead since 21:56" in page.inner_text(".quiet")
    latency = page.evaluate("() => window.__araz.latencyMs")
    assert latency
    assert min(latency) > 0


def test_two_keys_send_a_patrol(server, screen, running, until):
    page = screen(server)
    running(page)
    page.keyboard.press("1")
    assert decisions_of(server.night) == [], "one press shows, it does not send"
    assert "Confirm: send patrol-2" in page.inner_text(".desk")
    page.keyboard.press("1")
    noted(page, "Recorded as entry")
    [sent] = decisions_of(server.night)
    assert (sent.action, sent.patrol_id, sent.alarm_id, sent.revision) == (DecisionAction.SEND, "patrol-2", "a-1", 3)
    assert sent.officer == "duty officer"
    assert sent.order == server.night.cards["a-1"].options[0], "the order as the card offered it"
    assert sent.order_areas == server.night.cards["a-1"].areas
    seen = sent.screen
    assert seen.actions == 2, "alarm to recorded decision"
    assert seen.sentence == server.night.cards["a-1"].sentence
    assert seen.options[0] == "1 patrol-2 drop area 82 %"
    assert seen.waiting == ["a-2"]
    assert seen.tracks == 6
    assert "acoustic-3 silent" in seen.troubled_sensors
    assert (seen.width_px, seen.height_px, seen.language) == (1280, 720, "en")
    assert abs(seen.at_us - sent.at_us) < 2e6
    assert abs(sent.at_us - server.night.clock()) < 120e6, "the time is the time of the data"
    until(page, lambda: card(page) == "a-2", "the next card")
    assert "sent patrol-2" in page.inner_text(".lists")


@pytest.mark.parametrize(
    ("keys", "action", "reason", "shelve_s"),
    [
        ("a", DecisionAction.ACKNOWLEDGE, None, None),
        ("r1", DecisionAction.REJECT, "bird or flock", None),
        ("z2", DecisionAction.SHELVE, None, 900),
    ],
)
def test_every_other_decision_takes_at_most_two_keys(server, screen, running, until, keys, action, reason, shelve_s):
    page = screen(server)
    running(page)
    for key in keys:
        page.keyboard.press(key)
    until(page, lambda: decisions_of(server.night), "the decision in the journal")
    [sent] = decisions_of(server.night)
    assert (sent.action, sent.reason, sent.shelve_s) == (action, reason, shelve_s)


#: No decision leaves the page, as when the cable is out; all else does.
CUT = """() => {
  const fetch = window.fetch;
  window.mend = () => (window.fetch = fetch);
  window.fetch = (path, asked) =>
    asked?.method === "POST" && path === "/api/decisions" ? Promise.reject(new TypeError("cut")) : fetch(path, asked);
}"""


def test_a_decision_nobody_took_in_is_said_to_be_none(server, screen, running, until):
    page = screen(server)
    running(page)
    page.evaluate(CUT)
    page.keyboard.press("a")
    said = noted(page, "Not recorded.")
    assert "Araz does not answer; try again. Until it is, give orders by radio." in said
    assert decisions_of(server.night) == []
    assert card(page) == "a-1", "the card stays until somebody decides"
    page.evaluate("() => window.mend()")
    page.keyboard.press("a")
    until(page, lambda: decisions_of(server.night), "the decision in the journal")


@pytest.mark.parametrize("language", ["en", "az"])
def test_no_word_of_a_page_button_is_broken(server, screen, running, language):
    page = screen(server, f"/?lang={language}", size=(1000, 720))
    running(page)
    wide = page.evaluate(
        "() => [...document.querySelectorAll('.rail button')]"
        ".filter((one) => one.scrollWidth > one.clientWidth).map((one) => one.innerText)"
    )
    assert page.locator(".rail button").count() > 8
    assert wide == []
    for name in ("t", "s"):  # a narrow page and a wide one
        page.keyboard.press(name)
        box = page.locator(".drawer").bounding_box()
        rail = page.locator(".rail").bounding_box()
        room_px = page.locator(".rail").evaluate("(one) => one.parentElement.clientWidth")
        assert rail["x"] + rail["width"] <= box["x"]
        assert box["x"] + box["width"] <= rail["x"] + room_px, "inside the map, beside the cards"


def test_options_that_change_under_the_finger_send_nobody_else(server, screen, running, until):
    page = screen(server)
    running(page)
    page.keyboard.press("1")
    assert "Confirm: send patrol-2" in page.inner_text(".desk")
    card, ranks = server.night.cards["a-1"], {"patrol-2": 2, "post-4": 1, "patrol-1": 3}
    options = sorted((msgspec.structs.replace(o, rank=ranks[o.patrol_id]) for o in card.options), key=lambda o: o.rank)
    server.call(server.night.revise, msgspec.structs.replace(card, revision=4, options=options))
    until(page, lambda: "Post 4" in page.locator(".option").first.inner_text(), "the options anew")
    assert "Confirm: send patrol-2" in page.inner_text(".desk"), "what was pressed stays what it was"
    page.keyboard.press("1")
    assert decisions_of(server.night) == [], "the same key is another option now: it shows that one first"
    assert "Confirm: send post-4" in page.inner_text(".desk")
    server.call(server.night.revise, msgspec.structs.replace(card, revision=5, options=options[1:]))
    noted(page, "The options changed")
    page.keyboard.press("Enter")
    assert decisions_of(server.night) == []
    page.keyboard.press("2")
    page.keyboard.press("Enter")
    until(page, lambda: decisions_of(server.night), "the decision in the journal")
    assert (decisions_of(server.night)[0].patrol_id, decisions_of(server.night)[0].revision) == ("patrol-2", 5)


def test_a_card_for_many_records_and_shows_the_member_a_patrol_is_sent_to(server, screen, running, until):
    page = screen(server)
    running(page)
    server.call(server.night.group_of_two)
    until(page, lambda: page.locator(".members li").count() == 2, "the card for many")
    page.keyboard.press("1")
    page.keyboard.press("1")
    until(page, lambda: decisions_of(server.night), "the decision in the journal")
    [sent] = decisions_of(server.night)
    assert (sent.patrol_id, sent.order.track_id) == ("patrol-2", "T-0409")
    assert sent.order_areas == server.night.cards["a-2"].areas
    assert sent.screen.actions == 2
    until(page, lambda: card(page) == "a-2", "the next card")
    server.call(server.night.sent_to, "T-0409", "patrol-2")
    until(page, lambda: card(page) == "a-1", "the card for many asks again")
    until(page, lambda: "sent to it: patrol-2" in page.inner_text(".members"), "who went where")


def test_typing_a_reason_is_not_a_command(server, screen, running, until):
    page = screen(server)
    running(page)
    page.keyboard.press("r")
    page.click('input[aria-label="Other reason"]')
    page.keyboard.type("a1 kite")
    assert decisions_of(server.night) == []
    page.keyboard.press("Enter")
    until(page, lambda: decisions_of(server.night), "the decision in the journal")
    assert decisions_of(server.night)[0].reason == "a1 kite"


def test_a_new_urgent_card_comes_forward_but_never_under_a_finger(server, screen, running, until):
    page = screen(server)
    running(page)
    page.keyboard.press("j")
    assert card(page) == "a-2"
    page.keyboard.press("1")
    server.call(server.night.raise_alarm, "a-8", "A second carrier.")
    until(page, lambda: "A second carrier." in page.inner_text(".desk"), "the new alarm in the list")
    assert card(page) == "a-2", "an armed card stays"
    page.keyboard.press("Escape")
    server.call(server.night.raise_alarm, "a-9", "A third carrier.")
    until(page, lambda: card(page) == "a-9", "the urgent card")


def test_replay_shows_the_past_and_takes_no_decision(server, screen, running, until):
    page = screen(server)
    running(page)
    box = page.locator(".bar svg").bounding_box()
    page.mouse.move(box["x"] + box["width"] - 20, box["y"] + 30)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + 30, steps=4)
    page.mouse.up()
    until(page, lambda: "REPLAY" in page.inner_text(".top"), "replay")
    until(page, lambda: page.inner_text(".time .local") < "22:00", "the time of the past")
    assert "Heavy multirotor" not in page.inner_text(".desk"), "an alarm raised later is not known then"
    page.keyboard.press("a")
    page.keyboard.press("h")
    history = page.inner_text(".drawer")
    assert "acoustic-3 fell silent" in history
    assert "T-0409 left the way it came" not in history
    assert decisions_of(server.night) == []
    page.keyboard.press("l")
    until(page, lambda: "LIVE" in page.inner_text(".top"), "live again")
    assert card(page) == "a-1"


def test_two_clocks_agree_with_what_was_on_the_screen_then(server, screen, running, until):
    night = server.night
    page = screen(server)
    running(page)

    def desk():
        return page.inner_text(".card h1"), page.inner_text(".lists .line .text"), page.get_attribute(
            "[data-alarm]", "data-alarm"
        )  # fmt: skip

    def shown_s():
        return int(page.get_attribute(".timeline [aria-valuenow], [role=slider][aria-valuenow]", "aria-valuenow"))

    def jump(seconds):
        """The page learns the time from what arrives: it must be there before a step back has a meaning."""
        old = shown_s()
        server.call(night.jump, seconds)
        until(page, lambda: shown_s() >= old + seconds - 1, "the page's own clock")

    jump(120.0)
    before = desk()
    jump(30.0)
    server.call(night.learn_later, "a-1", "It was a crop sprayer, seen by Patrol 2.", "Patrol 1 heard it at the gate.")
    until(page, lambda: "crop sprayer" in page.inner_text(".desk"), "the correction")
    page.keyboard.press("Shift+ArrowLeft")
    until(page, lambda: desk() == before, "the desk of then")
    page.keyboard.press("h")
    assert "heard it at the gate" not in page.inner_text(".drawer")
    page.keyboard.press("n")
    until(page, lambda: "crop sprayer" in page.inner_text(".card h1"), "the words of now")
    assert desk()[2] == before[2], "the same alarm that waited then"
    assert before[0] in page.inner_text(".card .then"), "what was said then stands beside it"
    until(page, lambda: "heard it at the gate" in page.inner_text(".drawer"), "the report of now")
    page.keyboard.press("n")
    until(page, lambda: desk() == before, "the desk of then, again")


def test_azerbaijani_from_the_same_catalogue_and_the_figures_of_the_alarms(server, screen, running, until):
    page = screen(server)
    running(page)
    page.keyboard.press("x")
    assert page.get_attribute("html", "lang") == "az"
    assert "dərhal hərəkət et" in page.inner_text(".desk")
    assert "CANLI" in page.inner_text(".top")
    page.keyboard.press("g")
    until(page, lambda: "daşqında keçən vaxt" in page.inner_text(".drawer"), "the figures")
    page.keyboard.press("r")
    page.keyboard.press("1")
    until(page, lambda: decisions_of(server.night), "the decision in the journal")
    [sent] = decisions_of(server.night)
    assert sent.reason == "bird or flock", "written in one language, so that reasons can be counted"
    assert (sent.screen.language, sent.screen.page) == ("az", "alarms")
    until(page, lambda: "quş və ya quş dəstəsi" in page.inner_text(".lists"), "the reason in the officer's language")


def test_every_sentence_of_the_rules_is_read_in_azerbaijani_as_python_says_it(server, screen, running, until):
    """Each message of the catalogue goes through a real card; the browser's words are held to the other speaker's."""
    page = screen(server, path="/?lang=az")
    running(page)
    keys = [key for key in MESSAGES if key.partition(".")[0] != "case"]
    told = [phrase(key, **{name: inner_value(name) for name in places_of(key)}) for key in keys]
    card = msgspec.structs.replace(
        server.night.cards["a-1"], revision=9, sentence=str(told[0]), said=told[0].said, to_decide=str(told[1]),
        to_decide_said=told[1].said, reasons_for=[reason(one, 0.0) for one in told], reasons_against=[],
        not_seen=[str(told[2])], not_seen_said=[told[2].said], options=[],
    )  # fmt: skip
    server.call(server.night.revise, card)
    until(page, lambda: page.inner_text(".card h1") == in_language(told[0], "az"), "the new revision of the card")
    for name in page.locator(".card dt").all():
        assert name.evaluate("one => one.scrollWidth <= one.clientWidth"), "a name does not run into what it names"
    page.keyboard.press("w")
    until(page, lambda: page.locator(".card dd").first.locator("p").count() == len(keys), "every reason")
    shown = page.locator(".card dd").first.locator("p")
    assert shown.all_text_contents() == [in_language(one, "az") for one in told]
    assert page.inner_text(".card .question") == in_language(told[1], "az")
    assert page.locator(".card dd").last.inner_text() == in_language(told[2], "az")
    page.keyboard.press("x")
    until(
        page, lambda: page.locator(".card dd").first.locator("p").all_text_contents() == list(map(str, told)), "English"
    )


def test_times_in_sentences_are_those_of_the_clock(server, screen, running, until):
    """The sector is four hours ahead of Greenwich; the record keeps UTC."""
    page = screen(server)
    running(page)
    told = phrase("unseen.sensor", sensor="rf-1", state=phrase("state.silent"), time="21:40 UTC")
    card = msgspec.structs.replace(
        server.night.cards["a-1"], revision=9, sentence="Released a load at 18:44 UTC.", said=None,
        not_seen=[str(told)], not_seen_said=[told.said],
    )  # fmt: skip
    server.call(server.night.revise, card)
    until(page, lambda: page.inner_text(".card h1") == "Released a load at 22:44.", "the time on the clock")
    page.keyboard.press("w")
    assert page.locator(".card dd").last.inner_text() == str(told).replace("21:40 UTC", "01:40")
    page.keyboard.press("x")
    until(page, lambda: "01:40" in page.locator(".card dd").last.inner_text(), "in Azerbaijani too")
    assert "UTC" not in page.inner_text(".card")


def inner_value(name):
    """A sentence in a sentence, a list of them, a name: each kind of value a rule gives."""
    if name == "reasons":
        return [phrase("claim.seen"), phrase("claim.authorised", label="a b")]
    return {"what": phrase("class.bird"), "story": phrase("ask.hover")}.get(name, f"ı-{name}")


def places_of(key):
    return {name[0].lower() + name[1:] for name in re.findall(r"\{(\w+)\}", MESSAGES[key][0])}


def test_replay_shows_the_sensors_as_they_were(server, screen, running, until):
    page = screen(server)
    running(page)
    assert "dead" in page.inner_text(".pills")

    def row(sensor):
        return page.inner_text(f".drawer tr:has-text('{sensor}')")

    page.keyboard.press("s")
    assert "dead" in row("acoustic-3")
    page.keyboard.press("ArrowLeft")  # ten seconds ago nothing had changed yet
    until(page, lambda: "dead" in row("acoustic-3"), "the state of ten seconds ago")
    assert "since 21:56" in row("acoustic-3")
    box = page.locator(".bar svg").bounding_box()
    page.mouse.click(box["x"] + box["width"] * 0.1, box["y"] + 30)
    until(page, lambda: page.inner_text(".time .local") < "21:56", "a time before it fell silent")
    until(page, lambda: "alive" in row("acoustic-3"), "the state of that time")
    assert "dead" not in page.inner_text(".pills")
    assert "then:" in page.inner_text(".pills")
    page.keyboard.press("l")
    until(page, lambda: "dead" in row("acoustic-3"), "the state of now")


def test_what_the_stream_brought_outlives_an_older_answer(server, screen, running, until):
    """A sensor dies while the screen, linked anew, still waits for the states it asked for."""
    page, asked = screen(server), []
    running(page)
    server.night.is_paused = True  # nothing tells the state again
    page.route("**/api/health", lambda route: asked.append(route))
    page.reload()
    until(page, lambda: asked, "the question")
    answer = asked[0].fetch()
    radar = next(one for one in server.night.health() if one.sensor_id == "radar-1")
    server.call(server.night.hub.publish, msgspec.structs.replace(radar, state=SensorState.SILENT))
    page.keyboard.press("s")
    rows = page.locator(".drawer tr")
    until(page, lambda: rows.filter(has_text="radar-1").filter(has_text="dead").count() == 1, "the news")
    asked[0].fulfill(response=answer)
    until(page, lambda: rows.filter(has_text="acoustic-3").count() == 1, "the answer")
    assert "dead" in rows.filter(has_text="radar-1").inner_text()


def test_the_technician_reads_the_hours_a_post_has_left(server, screen, running):
    page = screen(server)
    running(page)
    page.keyboard.press("s")
    row = page.inner_text(".drawer tr:has-text('power P06')")
    assert "62 % charged, draws 18 W" in row
    assert "75 h left (" in row
    assert "battery of a post" in row


def test_what_is_one_key_away(server, screen, running, until):
    page = screen(server)
    running(page)
    page.keyboard.press("t")
    assert "T-0412" in page.inner_text(".drawer")
    page.keyboard.press("s")
    page.click(".drawer tr:has-text('rf-1') button")
    until(page, lambda: "check the node's firmware" in page.inner_text(".drawer"), "the rejects")
    assert "70 11" in page.inner_text(".drawer"), "the raw bytes"
    page.keyboard.press("Escape")
    assert page.locator(".drawer").count() == 0
    page.keyboard.press("/")
    page.keyboard.type("0407")
    page.keyboard.press("Enter")
    until(page, lambda: "T-0407" in page.inner_text(".chosen"), "the track found")
    assert "authorised" in page.inner_text(".chosen")
    page.keyboard.press("?")
    assert "red" in page.inner_text(".drawer")


def test_a_track_behind_terrain_says_where_and_when_it_can_come_out(server, screen, running, until):
    page = screen(server)
    running(page)
    page.keyboard.press("/")
    page.keyboard.type("0401")
    page.keyboard.press("Enter")
    until(page, lambda: "T-0401" in page.inner_text(".chosen"), "the track found")
    said = page.inner_text(".chosen")
    assert "lost behind terrain, not gone" in said
    found = re.search(r"can come out where marked 1: 62 %, (\d+) s to (\d+) s from now", said)
    assert found, said
    assert 5 <= int(found[1]) <= 14
    assert 38 <= int(found[2]) <= 47


def test_silence_of_the_server_is_said(server, screen, running, until):
    page = screen(server)
    running(page)
    screen.awaits("net::ERR_")
    screen.awaits("WebSocket")
    server.__exit__()
    until(page, lambda: page.locator("text=Connection lost").count() > 0, "the warning")
    assert "NO LINK" in page.inner_text(".top")
    page.close()  # it goes on trying, and the browser itself complains of each refused connection


def test_a_picture_that_is_not_now_says_so(server, screen, running, until):
    """The line is alive and pictures come, but of minutes ago: whoever judges cannot keep up."""
    page = screen(server)
    running(page)
    assert page.locator(".lost").count() == 0
    server.night.lag_us = 200_000_000
    until(page, lambda: "The picture is 3 min old" in page.inner_text(".map"), "the age of the picture")
    server.night.lag_us = 0
    until(page, lambda: page.locator(".lost").count() == 0, "a fresh picture again")


def test_at_the_end_of_a_recording_the_clock_stands_and_nothing_grows_old(server, screen, running, until):
    page = screen(server)
    running(page)
    server.night.over_us = server.night.clock()
    until(page, lambda: "PLAYBACK OVER" in page.inner_text(".top"), "the end")
    page.wait_for_timeout(1000)  # the page looks at its clock four times a second
    shown = page.inner_text(".top .local")
    page.wait_for_timeout(2500)
    assert page.inner_text(".top .local") == shown


def test_the_bearings_of_one_microphone_bear_one_name(server, screen, running, until):
    page = screen(server)
    running(page)
    until(page, lambda: page.evaluate("() => window.__araz.conesNamed") == 1, "fifteen bearings within eight degrees")


def test_quiet_is_explained(night_parts, serve, screen, until):
    quiet = serve(night_parts.Night(0, with_alarm=False))
    page = screen(quiet)
    until(page, lambda: page.locator("text=Nothing to decide.").count() > 0, "the calm card")
    until(page, lambda: "not watched at 100 m AGL" in page.inner_text(".quiet"), "the explanation")
    assert page.inner_text(".quiet").startswith("No tracks; ")


def test_five_hundred_tracks_are_all_drawn_and_move(night_parts, serve, screen, running, until):
    crowd = serve(night_parts.Night(500))
    page = screen(crowd)
    running(page)
    first = page.evaluate("() => window.__araz")
    until(page, lambda: page.evaluate("() => window.__araz.frames") > first["frames"] + 10, "ten more frames")
    page.wait_for_timeout(3000)
    last = page.evaluate("() => window.__araz")
    assert last["drawn"] == 500
    assert last["lastPictureAtUs"] > first["lastPictureAtUs"]
    print(f"500 tracks: {last['drawMs']:.1f} ms a frame in the page, {last['frames']} frames in all")


@pytest.mark.parametrize("size", [(1280, 720), (390, 844)])
def test_nothing_is_wider_than_the_screen(server, screen, running, size):
    page = screen(server, size=size)
    running(page)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= size[0]
    if size[0] > 1000:
        assert page.evaluate("() => document.documentElement.scrollHeight") <= size[1]
        send = page.locator(".actions .send").bounding_box()
        assert send["y"] + send["height"] < size[1], "the button is reached without scrolling"


def test_a_drill_is_blind_until_decided_and_gone_when_it_is_stopped(night_parts, serve, screen, until):
    server = serve(night_parts.Night(3, with_alarm=False))
    night = server.night
    page = screen(server)
    until(page, lambda: page.evaluate("() => (window.__araz?.drawn ?? 0) === 3"), "the real tracks")
    server.call(night.fly_drill)
    until(page, lambda: "Heavy multirotor over the line." in page.inner_text(".desk"), "the drill's card")
    until(page, lambda: page.evaluate("() => window.__araz.drawn") == 4, "the drill's track")
    page.keyboard.press("t")
    told = " ".join(page.inner_text(part) for part in (".desk", ".drawer", ".top", ".time", "canvas"))
    assert "drill" not in told.lower(), "nobody is told"
    page.keyboard.press("Escape")
    page.keyboard.press("a")
    noted(page, "nobody is sent")
    until(page, lambda: "DRILL" in page.inner_text(".top"), "the word that it was one")
    until(page, lambda: page.evaluate("() => window.__araz.drawn") == 3, "the real tracks alone")
    assert "Heavy multirotor" not in page.inner_text(".desk")
    assert night.kept_decisions == [], "not among the real decisions"
    page.keyboard.press("d")
    until(page, lambda: "decided" in page.inner_text(".drawer"), "the result")

    server.call(night.fly_drill)
    until(page, lambda: "Heavy multirotor" in page.inner_text(".desk"), "a second drill")
    server.call(night.end_drill, "stopped")
    noted(page, "real traffic")
    until(page, lambda: "Heavy multirotor" not in page.inner_text(".desk"), "gone for real traffic")


def test_the_officer_sees_on_the_map_where_the_patrol_has_searched(server, screen, running, until):
    page = screen(server)
    running(page)
    page.keyboard.press("1")
    page.keyboard.press("1")
    until(page, lambda: decisions_of(server.night), "the decision in the journal")
    plan = page.evaluate("async () => await (await fetch('/api/search?alarm_id=a-1')).json()")
    best = max(plan["squares"], key=lambda one: one["probability"])
    assert page.evaluate("() => window.__araz.searched") == 0
    report = PeopleReport(kind=ReportKind.NOTHING, reporter="patrol-2", report_id="r-1", searched=[best["name"]])
    now_us = server.night.clock()
    walked = ReportReceived(report=report, observed_at_us=now_us, received_at_us=now_us)
    server.call(server.night.kept_reports.append, walked)
    until(page, lambda: page.evaluate("() => window.__araz.searched") == 1, "the square on the officer's map")
    # No more polls, as between two of them: the squares are of now and must not stand on a map of the past.
    page.evaluate("() => { const at = performance.now(); performance.now = () => at; }")
    page.keyboard.press("Shift+ArrowLeft")
    until(page, lambda: "REPLAY" in page.inner_text(".top"), "replay")
    until(page, lambda: page.evaluate("() => window.__araz.searched") == 0, "no square on a map of the past")
