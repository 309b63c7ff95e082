"""Who someone is."""

import re

from memory.extraction.rules import vocabulary as v
from memory.extraction.rules.statement import place, say

IDENTITY = (
    say(
        r"[Mm]y (?:full |first |real |given )?name is <Name>(?:,? (?:but|though) .+)?$",
        "identity",
        "name",
        sure=0.98,
        cased=True,
    ),
    say(
        r"My name is (?!not|on\b|in\b|what|the\b|private|hard|long|too\b|very|mis|wrong|spel|writ|often"
        r"|difficult|weird|also"
        r"|mud\b|legion)[a-z]{3,12}$",
        "identity",
        "name",
    ),
    say(
        r"I am (?P<x><Name>), (?:an? |\d\d\b|from ).+",
        "identity",
        "name",
        cased=True,
        check=lambda match: match["x"] not in v.NOT_A_NAME and re.fullmatch(v.NAMED["demonym"], match["x"]) is None,
    ),
    say(r"[Mm]y (?:last |sur|family )name is <Name>(?:, .+)?$", "identity", "surname", sure=0.98, cased=True),
    say(
        r"(?:[Yy]ou (?:can|may) |[Pp]lease |[Jj]ust )*(?:[Cc]all|[Aa]ddress|[Rr]efer to) me (?:as )?(?P<x><Name>)$",
        "identity",
        "preferred_name",
        cased=True,
        content="User wants to be called {x}",
    ),
    say(r"I (?:am called|go by) <Name>(?:,? \w+/\w+)?$", "identity", "preferred_name", cased=True),
    say(r"My (?:<word> )?(?:username|handle|user name|gamertag) is \S+$", "identity"),
    say(r"<am>a native <language> speaker", "identity", cased=True),
    say(r"My pronouns are .+", "identity", "pronouns", sure=0.98),
    say(r"<am>\d{1,3}(?: years? old| y/?o)?(?:$|,| and (?!\d|counting|a half))", "identity", "age", sure=0.95),
    say(
        r"I (?:have )?<adv>turned \d{1,3}(?: (?:last|this|in|on|yesterday|today)\b.*)?$",
        "identity",
        "age",
        lasting=False,
    ),
    say(r"My age is \d{1,3}$", "identity", "age", sure=0.95),
    say(r"My birthday (?:is|falls) <date>", "identity", "birthday", sure=0.95),
    say(r"My (?:wedding )?anniversary is <date>", "identity", "anniversary", sure=0.95),
    say(r"I was raised (?!by|to|in a)", "fact", lasting=False),
    say(r"I was born on <date>", "identity", "birthday", sure=0.95),
    say(r"I was born in \d{4}$", "identity", "birth_year", sure=0.95),
    say(r"I was born (?:and raised )?in [A-Z]", "identity", "birthplace", sure=0.95, cased=True),
    say(
        r"<am>(?:not )?(?:originally |a native )?from (?P<x>(?!out|all over|there)<word>(?: <word>){0,2}?)"
        r"(?:,? (?:but|and|not|working|living|now) .+)?$",
        "identity",
        "origin",
        check=lambda match: place(match) and not match["x"][0].isdigit(),
    ),
    say(r"<am>an? (?:US|U\.S\.|UK|EU|<demonym>) (?:citizen|national|expat|native|immigrant)\b", "identity", cased=True),
    say(r"<am>(?:half|part)[ -]<demonym>\b", "identity", cased=True),
    say(r"<am>from an? (?:<word> )?(?:town|village|city|island|farm) (?:in|near|outside|called|on)\b", "identity"),
    say(r"<am>(?:not )?(?P<value><demonym>)(?:,? (?:but|and) .+)?$", "identity", "nationality", cased=True),
    say(r"My (?:e-?mail|e-?mail address) is \S+@\S+$", "identity", "email", sure=0.98),
    say(
        r"My (?P<x>work|personal|private|business) e-?mail(?: address)? is \S+@\S+$", "identity", "email:{x}", sure=0.98
    ),
    say(r"My (?:phone|mobile|cell|telephone)(?: phone)?(?: number)? is \+?[\d(][\d ()./-]{5,}$", "identity", "phone"),
    say(r"My (?:home |postal |mailing )?address is .*\d", "identity", "address"),
    say(r"My time ?zone is .+", "identity", "timezone", sure=0.95),
    say(r"<am>(?:in|on) (?:the )?[\w/+: -]{2,30} time ?zone$", "identity", "timezone"),
    say(
        r"My (?P<x><attribute>) is (?!to\b|private|none of|not (?:important|relevant)).+", "identity", "{x}", sure=0.95
    ),
)
