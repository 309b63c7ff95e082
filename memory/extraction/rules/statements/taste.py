"""What someone likes, does as a habit, and can do."""

import re
from re import Match

from memory.extraction.rules import vocabulary as v
from memory.extraction.rules.statement import lasting_thing, say

_LIKE = r"(?:like|love|enjoy|adore|hate|dislike|detest|despise|loathe|prefer)"


def _named_favourite(match: Match[str]) -> bool:
    return re.match(r"part|thing about|bit|line|example|of\b|ones?\b", match["x"]) is None


def _named_subject(match: Match[str]) -> bool:
    return v.PRONOUN.match(match["y"]) is None


def _both_lasting(match: Match[str]) -> bool:
    return v.VAGUE.match(match["a"]) is None and v.VAGUE.match(match["b"]) is None


def _nothing_or_lasting(match: Match[str]) -> bool:
    return not match["x"] or lasting_thing(match)


TASTE = (
    say(
        r"My (?:absolute |all[- ]time |current )?favou?rite (?P<x>[\w -]{2,40}?) (?:is|are|isn't|aren't|has "
        r"always been) "
        r"(?:not )?(?P<value>(?!that\b|when\b|how\b|the (?:part|one|first|last|second)\b).+)",
        "preference",
        "favourite:{x}",
        sure=0.95,
        check=_named_favourite,
    ),
    say(
        r"(?P<y>[A-Za-z][\w -]{1,40}?)(?:'s| is| are) (?:definitely |still |also )?my favou?rite (?P<x>[\w -]{2,40})$",
        "preference",
        "favourite:{x}",
        cased=True,
        check=_named_subject,
        content="{y} is User's favourite {x}",
    ),
    say(
        r"I <adv>prefer (?P<a>[^,]{2,40}?) (?:over|to|rather than|than) (?P<b>[^,]{2,40})$",
        "preference",
        "prefer:{pair}",
        sure=0.95,
        check=_both_lasting,
    ),
    say(rf"I <adv>(?:<not> )?<adv>{_LIKE} (?P<x>.+)", "preference", "like:{x}", check=lasting_thing),
    say(
        r"I have (?:always|never) <adv>(?:liked|loved|hated|enjoyed|wanted|disliked) (?P<x>.+)",
        "preference",
        "like:{x}",
        check=lasting_thing,
    ),
    say(r"I <cannot> (?:really )?(?:stand|bear|tolerate) (?P<x>.+)", "preference", "like:{x}", check=lasting_thing),
    say(
        r"<am>(?:not )?<adv>(?:(?:an? )?(?:big |huge |massive |great |avid )?(?:fan|lover) of|a sucker for"
        r"|into|fond of|keen on|crazy about|passionate about|obsessed with|interested in(?! \w+ing\b)) (?P<x>.+)",
        "preference",
        "like:{x}",
        check=lasting_thing,
    ),
    say(r"<am>(?:not )?<adv>(?:afraid|scared|terrified) of (?P<x>.+)", "preference", "fear:{x}", check=lasting_thing),
    say(r"<am>(?:definitely )?more of an? .+ (?:person|guy|girl)\b", "preference"),
    say(r"I (?:have not|haven't) (?:eaten|drunk|smoked|touched) .+ (?:since|in|for)\b", "fact"),
    say(r"My least favou?rite [\w -]{2,40} (?:is|are) (?!that|this|when|how|the (?:part|one)\b).+", "preference"),
    say(r"<am>an? (?:big |huge |massive |lifelong |die-?hard )?<Name> fan$", "preference", cased=True),
    say(r"I have a (?:soft spot|weakness) for (?P<x>.+)", "preference", "like:{x}", check=lasting_thing),
    say(r"I <not> <adv>want (?:any |more )?(?:kids|children|pets)\b", "preference", "like:having kids"),
    say(r"I (?:never|always) (?:ever )?want (?P<x>.+)", "preference", "like:{x}", check=lasting_thing),
    say(
        r"I (?:have )?<adv>(?:stopped|quit|gave up|given up) (?:(?:eating|drinking|having) )?"
        r"(?P<x>(?!my\b|the\b|trying|on\b|at\b|in\b|by\b|to\b|for\b|looking|using).+)",
        "preference",
        "like:{x}",
        lasting=False,
        check=lasting_thing,
    ),
    say(
        r"I (?:<not> (?:ever )?(?:really )?|never |no longer |hardly ever |rarely |avoid )"
        r"(?:eat|drink|smok|consum|touch|cook|wear|driv|watch)(?:e|ing)?\b ?(?P<x>.*)",
        "preference",
        "like:{x}",
        check=_nothing_or_lasting,
    ),
    say(r"I avoid (?P<x>.+)", "preference", "like:{x}", check=lasting_thing),
    say(r"My (?:main )?(?:hobby is|hobbies (?:are|include)) .+", "preference"),
)

HABITS = (
    say(
        r"I (?:<not> |<cannot> )?<adv>speak (?:(?:some|a little|a bit of|fluent|only|basic|good|native"
        r"|any|a word of|much|very little) )*(?P<x><language>)\b",
        "fact",
        "speaks:{x}",
        sure=0.95,
        cased=True,
    ),
    say(
        r"(?:<am>|I (?:have )?<adv>started )(?:learning|studying|practi[cs]ing|training for) (?P<x>.+)",
        "fact",
        sure=0.85,
        check=lasting_thing,
    ),
    say(
        r"I <adv>do (?:yoga|pilates|crossfit|karate|judo|jiu-jitsu|bjj|ballet|gymnastics|martial arts|tai chi)\b",
        "fact",
    ),
    say(r"I (?:usually|always|mostly|never|often) have .+ for (?:breakfast|lunch|dinner)\b", "fact", sure=0.85),
    say(r"I <adv>train for (?P<x>.+)", "fact", sure=0.85, check=lasting_thing),
    say(r"I (?:have )?never <adv>learned (?:how )?to \w+", "fact"),
    say(r"I (?:<not> )?<adv>(?:play|have (?:been )?play(?:ed|ing)) (?:the |an? )?(?:<word> )?<game>\b", "fact"),
    say(r"I <cannot> (?:swim|drive|cook|ride a bike|dance|sing|ski)$", "fact"),
    say(r"I <adv>(?:drive|ride) (?:an?|my) (?!.*\b(?:crazy|mad|nuts|insane|wild)$).+", "fact", sure=0.85),
    say(r"I <adv>collect (?!this|that|it\b|data|the\b|my\b).+", "fact", sure=0.85),
    say(
        r"I (?:<not> )?<adv>use (?!.* to \w)[A-Z][\w.+# -]{1,40}?(?: (?:at|for|on|as|every|daily|most|instead"
        r"|because|and [A-Z]).*)?$",
        "fact",
        sure=0.85,
        cased=True,
    ),
    say(
        r"<am>on (?:an? )?(?:mac(?:os)?|windows(?: \d+)?|linux|ubuntu|debian|fedora|arch|android|ios|iphone"
        r"|macbook|chromebook)"
        r"(?:$|[ ,](?!right|at the|for (?:now|this)))",
        "fact",
        sure=0.85,
    ),
    say(r"I <adv>(?:code|program|write code) (?:mostly |mainly |only )?in [A-Z].+", "fact", sure=0.85, cased=True),
    say(
        r"I <adv><habit>\b(?! (?:there|here|it|this|that)\b).*\b(?:every|each) (?:single |other )?<period>s?\b",
        "fact",
        sure=0.85,
    ),
    say(r"I <adv><habit>\b.*\b<on day>\b", "fact", sure=0.85),
    say(
        r"I <adv><habit>\b.*\b(?:\w+ (?:times|days|nights|cups|glasses|hours|km|miles) .*)?(?:an?|per) (?:day"
        r"|week|month)\b",
        "fact",
        sure=0.85,
    ),
    say(
        r"I (?:always|usually|never|mostly|rarely|only) <habit>\b (?!this|that|it\b|you|the (?:same|error"
        r"|message)|like (?:an?|the) ).+",
        "fact",
        sure=0.85,
    ),
)
