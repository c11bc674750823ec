"""The words of a case's report in English and in Azerbaijani; one table, so that neither can lack a line."""

from __future__ import annotations

from typing import Final

LANGUAGES: Final = ("en", "az")

#: Word: (English, Azerbaijani). Braces are filled in.
WORDS: Final[dict[str, tuple[str, str]]] = {
    "title": ("Case {case}", "İş {case}"),
    "what_is_this": (
        "This report was written by the system Araz at sector {site}. It says what the sensors recorded, what "
        "was on the "
        "officer's screen at the time, what is known now, and what speaks against it. Every statement follows from the "
        "recorded messages in this file; the last section says how anybody can check that nothing was altered. "
        "The system accuses nobody and names no person.",
        "Bu hesabatı {site} sektorunda «Araz» sistemi tərtib etmişdir. Hesabatda sensorların nə qeyd etdiyi, "
        "həmin anda "
        "zabitin ekranında nəyin göründüyü, indi nəyin məlum olduğu və bunun əleyhinə nəyin olduğu göstərilir. Hər bir "
        "müddəa bu faylda saxlanılan qeydə alınmış məlumatlardan irəli gəlir; son bölmədə heç nəyin dəyişdirilmədiyini "
        "hər kəsin necə yoxlaya biləcəyi izah olunur. Sistem heç kimi ittiham etmir və heç bir şəxsin adını çəkmir.",
    ),
    "summary": ("In short", "Qısaca"),
    "span": ("Time", "Vaxt"),
    "span_text": ("{day}, {first} to {last} local time ({zone})", "{day}, yerli vaxtla {first} – {last} ({zone})"),
    "objects": ("Tracks", "İzlər"),
    "sealed_by": ("Sealed by", "Möhürləyən"),
    "messages": ("Recorded messages in this file", "Bu fayldakı qeydə alınmış məlumatlar"),
    "conclusion": ("Last alarm", "Son həyəcan siqnalı"),
    "confidence": ("How sure the system was", "Sistemin əminliyi"),
    "map": ("Where", "Harada"),
    "map_words": (
        "Thin dots: where the track was on the screen then. Thick line: where it was as all recordings say now. "
        "Double line: the "
        "state border. Triangles: sensors. Ellipses: the areas in which the load lies with 50 % and 90 % probability, "
        "as told at the time.",
        "Kiçik nöqtələr: izin həmin anda ekrandakı yeri. Qalın xətt: bütün qeydlərə əsasən indi məlum olan yeri. Qoşa "
        "xətt: dövlət sərhədi. Üçbucaqlar: sensorlar. Ellipslər: həmin anda bildirildiyi kimi yükün 50 % və 90 % "
        "ehtimalla yerləşdiyi sahələr.",
    ),
    "events": ("What happened", "Nə baş verdi"),
    "time": ("Time", "Vaxt"),
    "known": ("Known at", "Məlum olub"),
    "event": ("Event", "Hadisə"),
    "sure": ("Sure", "Əminlik"),
    "said": ("As the system said it", "Sistemin o zaman dediyi (ingiliscə)"),
    "alarms": ("Alarms shown to the officer", "Zabitə göstərilən həyəcan siqnalları"),
    "changed": ("Changed", "Dəyişib"),
    "priority": ("Priority", "Prioritet"),
    "state": ("State", "Vəziyyət"),
    "decisions": ("What people decided", "İnsanların qərarları"),
    "who": ("Who (post)", "Kim (post)"),
    "action": ("Action", "Hərəkət"),
    "reason": ("Reason given", "Göstərilən səbəb"),
    "reports": ("What people reported", "İnsanların məlumatları"),
    "kind": ("Kind", "Növ"),
    "text": ("Text", "Mətn"),
    "then_now": ("Known then, known now", "O zaman məlum olan, indi məlum olan"),
    "then_now_words": (
        "“Then” is what was on the screen. “Now” is computed from the same recordings with everything that came after. "
        "A difference does not mean that anybody erred: later messages make earlier moments clearer.",
        "«O zaman» – ekranda görünən. «İndi» – eyni qeydlərdən, sonra gələn hər şey nəzərə alınmaqla hesablanan. Fərq "
        "kiminsə səhv etdiyi demək deyil: sonrakı məlumatlar əvvəlki anları daha aydın edir.",
    ),
    "overlap": ("Seconds compared", "Müqayisə edilən saniyə"),
    "median": ("Middle difference (m)", "Orta (median) fərq (m)"),
    "largest": ("Largest difference (m)", "Ən böyük fərq (m)"),
    "none_now": (
        "The tracks could not be found again in the recordings of this case.",
        "İzlər bu işin qeydlərində yenidən tapılmadı.",
    ),
    "against": ("What speaks against", "Əleyhinə olanlar"),
    "against_words": (
        "The system must say what weakens its own case. A line that reads “none found” means: it was looked for.",
        "Sistem öz nəticəsini zəiflədən hər şeyi göstərməlidir. «Tapılmadı» yazılan sətir axtarıldığını bildirir.",
    ),
    "sensors_silent": ("Sensors that could have seen it and did not", "Onu görə biləcək, lakin görməyən sensorlar"),
    "sensors_all": ("All sensors", "Bütün sensorlar"),
    "sensor": ("Sensor", "Sensor"),
    "saw": ("Saw it", "Gördü"),
    "in_range": ("Seconds within its stated range", "Bəyan edilmiş məsafə daxilində (saniyə)"),
    "nearest": ("Nearest (m)", "Ən yaxın (m)"),
    "health": ("Its state (as told then)", "Onun vəziyyəti (o zaman bildirildiyi kimi, ingiliscə)"),
    "other": ("What else it was taken for", "Başqa nə hesab edilib"),
    "class": ("Class", "Sinif"),
    "seconds": ("Seconds", "Saniyə"),
    "highest": ("Highest probability", "Ən yüksək ehtimal"),
    "reasons_against": ("Reasons against, as told at the time", "O zaman bildirilən əks səbəblər (ingiliscə)"),
    "not_seen": ("What was missing", "Nə çatışmırdı (ingiliscə)"),
    "lost": (
        "Seconds in which no sensor saw it and its place was calculated: {seconds}.",
        "Heç bir sensorun görmədiyi və yerin hesablandığı saniyələr: {seconds}.",
    ),
    "near": ("Other tracks that came within 300 m", "300 m-dən yaxına gələn başqa izlər"),
    "verdicts": ("Claimed identities and what became of them", "İddia edilən kimliklər və yoxlanmanın nəticəsi"),
    "spoofs": ("False identities in this span", "Bu müddətdə saxta kimliklər"),
    "none": ("None found.", "Tapılmadı."),
    "custody": ("Exhibits and custody", "Maddi sübutlar və saxlanma zənciri"),
    "custody_words": (
        "Each line was signed by the person acting; a hand-over counts only when both have signed.",
        "Hər sətri hərəkət edən şəxs imzalamışdır; təhvil-təslim yalnız hər iki tərəf imzaladıqda qüvvədədir.",
    ),
    "custody_wrong": (
        "Not every line holds. What is named here breaks a rule of custody, or was not signed by the person it names:",
        "Sətirlərin hamısı etibarlı deyil. Burada göstərilənlər saxlanma qaydasını pozur və ya adı çəkilən şəxs "
        "tərəfindən imzalanmayıb:",
    ),
    "no_custody": ("No exhibits are recorded with this case.", "Bu iş üzrə maddi sübut qeydə alınmayıb."),
    "exhibit": ("Exhibit", "Sübut"),
    "why": ("Why", "Niyə"),
    "check": ("How to check this case", "Bu işi necə yoxlamaq olar"),
    "check_words": (
        "On any computer with Python 3 and openssl: python3 verify.py CASE.zip --key STATION.pem. The station's "
        "key must be "
        "obtained by another way than this file. The program names the first altered byte, the missing message or "
        "the wrong signature. With Araz {version} installed, “araz case recompute CASE.zip” computes the tracks again.",
        "Python 3 və openssl olan istənilən kompüterdə: python3 verify.py CASE.zip --key STATION.pem. "
        "Stansiyanın açarı bu "
        "fayldan başqa yolla alınmalıdır. Proqram ilk dəyişdirilmiş baytı, çatışmayan məlumatı və ya yanlış imzanı "
        "göstərir. Araz {version} quraşdırılıbsa, «araz case recompute CASE.zip» əmri izləri yenidən hesablayır.",
    ),
    "whole": (
        "All messages since the sensors were set up are in this file, so what was on the screen can be computed again.",
        "Sensorlar qurulduqdan sonrakı bütün məlumatlar bu fayldadır, buna görə ekranda görünən yenidən "
        "hesablana bilər.",
    ),
    "not_whole": (
        "Only the messages of the span are in this file: the tracks known now can be computed again from it; what was "
        "on the screen then is shown as it was recorded, and can be computed again from the station's journal only.",
        "Bu faylda yalnız həmin müddətin məlumatları var: indi məlum olan izlər ondan yenidən hesablana bilər; o zaman "
        "ekranda görünən qeydə alındığı kimi göstərilir və yalnız stansiyanın jurnalından yenidən hesablana bilər.",
    ),
    "journal": ("Journal head (root hash)", "Jurnalın başlığı (kök heş)"),
    "yes": ("yes", "bəli"),
    "no": ("no", "xeyr"),
    "unknown": ("unknown", "naməlum"),
}

#: What can happen, decide and be reported; and the classes.
TERMS: Final[dict[str, tuple[str, str]]] = {
    "approach": ("approach", "yaxınlaşma"),
    "crossing-predicted": ("crossing predicted", "keçid gözlənilir"),
    "crossing": ("crossed the line", "xətti keçdi"),
    "drop": ("load released", "yük buraxıldı"),
    "landing": ("landing", "eniş"),
    "hover": ("stood still in the air", "havada dayandı"),
    "heard": ("heard by a person", "insan eşitdi"),
    "seen": ("seen by a person", "insan gördü"),
    "found": ("found by a person", "insan tapdı"),
    "nothing": ("nothing found", "heç nə tapılmadı"),
    "false-identity": ("false identity", "saxta kimlik"),
    "sensor-silent": ("sensor silent", "sensor susur"),
    "returned": ("went back over the line", "xəttin o tayına qayıtdı"),
    "active": ("active", "aktiv"),
    "acknowledged": ("acknowledged", "qəbul edilib"),
    "rejected": ("rejected", "rədd edilib"),
    "shelved": ("held back", "təxirə salınıb"),
    "cleared": ("over", "bitib"),
    "acknowledge": ("acknowledged", "qəbul etdi"),
    "reject": ("rejected", "rədd etdi"),
    "shelve": ("held back", "təxirə saldı"),
    "send": ("sent a patrol", "patrul göndərdi"),
    "unknown": ("unknown", "naməlum"),
    "multirotor": ("multirotor", "çoxrotorlu dron"),
    "fixed-wing drone": ("fixed-wing drone", "sabitqanadlı dron"),
    "bird": ("bird", "quş"),
    "balloon": ("balloon", "şar"),
    "manned aircraft": ("manned aircraft", "pilotlu hava gəmisi"),
    "radar": ("radar", "radar"),
    "rf-bearing": ("radio bearing", "radio istiqamət"),
    "acoustic": ("microphones", "mikrofonlar"),
    "camera": ("camera", "kamera"),
    "remote-id-receiver": ("Remote ID receiver", "Remote ID qəbuledicisi"),
    "adsb-receiver": ("ADS-B receiver", "ADS-B qəbuledicisi"),
    "track-source": ("other system", "başqa sistem"),
    "people": ("people", "insanlar"),
    "exhibit-taken": ("taken", "götürüldü"),
    "photographed": ("photographed", "şəkli çəkildi"),
    "offered": ("hand-over offered", "təhvil təklif edildi"),
    "accepted": ("hand-over accepted", "təhvil qəbul edildi"),
    "examined": ("examined", "müayinə edildi"),
    "returned-to-owner": ("returned", "qaytarıldı"),
    "destroyed": ("destroyed", "məhv edildi"),
    "hand-registered": ("signature registered", "imza qeydə alındı"),
}


def word(name: str, language: str, **values: object) -> str:
    """Return a word or sentence in a language, its braces filled."""
    return WORDS[name][LANGUAGES.index(language)].format(**values)


def term(name: str, language: str) -> str:
    """Return a term in a language; itself where the table has none."""
    found = TERMS.get(name)
    return name if found is None else found[LANGUAGES.index(language)]
