"""The words the statements know, as alternations of a regular expression, and what rules a reading out.

In the lists an underscore stands for a space or a hyphen.
"""

import re

from memory.extraction.rules.caseless import Caseless
from memory.extraction.words import either, words


def _any(text: str) -> str:
    return "|".join(word.replace("_", "[ -]") for word in sorted(text.split(), key=len, reverse=True))


def _beginning(*alternatives: str) -> re.Pattern[str]:
    return re.compile(rf"{either(*alternatives)}(?:\b|$)", re.IGNORECASE)


def _anywhere(*alternatives: str) -> Caseless:
    return Caseless(rf"\b{either(*alternatives)}\b")


MONTHS = _any("january february march april may june july august september october november december")
_WEEKDAYS = "monday tuesday wednesday thursday friday saturday sunday"

_PARTNERS = """
    wife husband partner girlfriend boyfriend fiancé fiance fiancée fiancee spouse mother father mum mom dad
"""
_RELATIVES = """
    daughter son child kid baby toddler teenager brother sister sibling twin uncle aunt cousin nephew niece
    grandmother grandfather
    grandma grandpa grandson granddaughter stepson stepdaughter roommate flatmate mother-in-law
    father-in-law
"""
_PETS = """
    dog cat puppy kitten pet rabbit hamster parrot bird fish horse pony turtle tortoise snake lizard chicken
    budgie
"""
_THINGS_OWNED = """
    house apartment flat car boat motorcycle motorbike bike bicycle cabin cottage farm van truck piano guitar
"""
_NATIONS = """
    German French Dutch Italian American Canadian Mexican Brazilian Australian Austrian Belgian Russian Ukrainian
    Greek Indian Norwegian Swiss Hungarian Romanian Bulgarian Croatian Serbian Egyptian Moroccan Nigerian Kenyan
    South_African Argentinian Chilean Colombian Peruvian Korean South_Korean Indonesian Malaysian Thai Filipino
    Pakistani Israeli Czech Estonian Latvian Lithuanian Jewish Muslim Christian Catholic Hindu Buddhist
"""
_TONGUES = """
    German French Dutch Italian Russian Ukrainian Greek Hindi Arabic Hebrew Korean Mandarin Cantonese Thai
    Norwegian Hungarian Romanian Bulgarian Croatian Serbian Czech Urdu Bengali Tamil Catalan Welsh Latin Persian
    Farsi Indonesian Malay Tagalog Swahili Esperanto
"""
_ASSISTING = """
    answer reply respond get assume write use speak talk call address give include keep format start end begin
    explain show
    ask share tell mention suggest recommend add put say assume cite quote be send sign greet remind offer propose
    spell refer translate
"""
_OCCUPATIONS = """
    accountant actor actress analyst animator anthropologist archaeologist architect artist assistant astronomer
    athlete attorney auditor author baker banker barber barista bartender biologist bookkeeper bricklayer broker
    builder bus_driver butcher caregiver carer carpenter cashier ceo cfo chef chemist civil_servant cleaner coach
    columnist comedian composer consultant contractor cook copywriter counselor counsellor cto curator dancer dev
    data_scientist dentist designer detective developer dietitian director doctor driver ecologist economist
    editor electrician engineer entrepreneur farmer filmmaker firefighter florist freelancer gardener geologist
    graduate_student hairdresser historian housewife illustrator instructor interpreter investor janitor jeweller
    journalist judge lawyer lecturer librarian lifeguard linguist machinist makeup_artist manager marketer
    masseuse mathematician mechanic midwife miner model musician nanny novelist nurse nutritionist officer
    optician optometrist painter paralegal paramedic pastor pediatrician paediatrician pharmacist philosopher
    photographer physician physicist physiotherapist pilot plumber poet police_officer politician postdoc priest
    principal producer product_manager professor programmer psychiatrist psychologist psychotherapist publisher
    radiologist realtor receptionist recruiter reporter researcher retiree sailor salesperson scientist sculptor
    secretary singer social_worker sysadmin software_engineer soldier solicitor songwriter statistician stay_at_home_mom
    stay_at_home_dad student surgeon surveyor tailor teacher technician therapist translator trader trainer
    truck_driver tutor undergraduate undertaker vet veterinarian veteran waiter waitress welder writer zoologist
"""

NAMED = {
    "partner": _any(_PARTNERS),
    "kin": _any(_PARTNERS + _RELATIVES),
    "pet": _any(_PETS),
    "breed": _any(
        """golden_retriever labrador poodle beagle retriever terrier shepherd bulldog dachshund corgi collie tabby
        siamese husky pug spaniel"""
    ),
    "possession": _any(_THINGS_OWNED + _PETS),
    "business": _any(
        """business company bakery shop store restaurant café cafe startup start-up agency studio farm blog podcast
        channel hotel bar gym school club bookshop salon practice charity newsletter band hostel brewery team
        department crew"""
    ),
    "attribute": _any(
        """native_language mother_tongue first_language blood_type nationality job_title job occupation profession
        hometown home_town religion star_sign zodiac_sign shoe_size height middle_name nickname github_username
        employer"""
    ),
    "condition": _any(
        """asthma diabetes type_1_diabetes type_2_diabetes celiac coeliac adhd autism epilepsy hypertension arthritis
        high_blood_pressure migraines anxiety depression insomnia dyslexia pcos ibs crohn's eczema psoriasis
        hay_fever hypothyroidism hyperthyroidism hashimoto's rosacea acne vertigo lupus gout glaucoma
        fibromyalgia osteoporosis anemia
        anaemia gerd sleep_apnea tinnitus scoliosis endometriosis high_cholesterol a_heart_condition
        a_pacemaker chronic_pain chronic_back_pain
        chronic_migraines"""
    ),
    "diet": _any("vegetarian vegan pescatarian pescetarian kosher halal keto ketogenic"),
    "trait": _any(
        """diabetic type_1_diabetic type_2_diabetic celiac coeliac asthmatic dyslexic colorblind colourblind
        color_blind colour_blind deaf blind hard_of_hearing left_handed right_handed lactose_intolerant
        gluten_intolerant autistic teetotal an_introvert an_extrovert introverted extroverted a_morning_person
        a_night_owl an_early_bird a_cat_person a_dog_person atheist an_atheist religious a_widow a_widower
        a_native_speaker"""
    ),
    "demonym": rf"[A-Z][a-z]+(?:ese|ish)|{_any(_NATIONS)}",
    "language": rf"[A-Z][a-z]+(?:ese|ish)|{_any(_TONGUES)}",
    "habit": _any(
        """eat drink cook wear take book order read watch listen_to buy travel drive cycle bike walk run swim
        jog go work_out
        exercise wake_up get_up sleep go_to_bed sit fly meditate train commute practice practise call visit garden
        hike ski climb train"""
    ),
    "period": _any(f"day morning evening night week weekend month year {_WEEKDAYS}"),
    "game": _any(
        """piano guitar violin cello flute clarinet saxophone trumpet drums bass ukulele harp accordion organ
        keyboard banjo viola football soccer tennis basketball volleyball badminton golf rugby cricket hockey
        chess poker baseball softball squash padel handball lacrosse table_tennis ping_pong bridge
        dungeons_and_dragons minecraft"""
    ),
    "assist": _any(_ASSISTING),
    "style": _any(
        """emoji emojis exclamation_marks exclamation_points jargon slang bullet_points disclaimers small_talk
        abbreviations sir madam filler the_words? the_phrases? the_terms? medical_disclaimers"""
    ),
    "occupation": _any(_OCCUPATIONS),
}
"""By the name in angle brackets that statements know them by."""

OCCUPATION = re.compile(
    r"(?!(?:failed|wannabe|self-proclaimed|bit|little|terrible|bad|good|great|horrible|lousy|decent|better|fast|slow"
    r"|language|large language"
    r"|quick|heavy|light|careful|big|total|complete|real|sort|kind) |.* at heart)"
    rf"(?:[\w&/+.#-]+ ){{0,3}}?(?:{NAMED['occupation']})s?"
    r"(?:$|,|\.| (?:at|in|for|by|from|with|and|who|specializing|working|based|turned)\b"
    r"|(?<=director) of\b|(?<=manager) of\b|(?<=professor) of\b|(?<=student) of\b|(?<=teacher) of\b)",
    re.IGNORECASE,
)
"""What follows "I am a" where it is one's work: "software engineer at Acme", not "bad cook" nor "customer"."""

VAGUE = _beginning(
    r"(?:love|like|hate|really)\b.*\bit|it|this|that|these|those|him|her|them|you|yours?|both|ones?|neither|either|everything|something"
    r"|anything(?! (?:with|by|from)\b)|nothing",
    r"what|how|when|where|which|who|why|if|all of|most of|some of|more|another|(?:some )?help|fun of|my life|not",
    r"the (?:\w+ )?(?:ones?|idea|way|sound|looks?|feel|first|second|third|last|latter|former|other|answer|results?)\b",
    r"the (?:\w+ )?(?:suggestions?|options?|version|code|design|plan|new|previous|same|above|following|current)\b",
    r"the (?:\w+ )?(?:output|tone|style|fact|thought|part|rest|response|approach|changes|layout|color scheme)\b",
    r"to (?:ask|know|see|hear|understand|get|thank|point|say|add|clarify|confirm|change|update|make sure|be able|try)",
    r"to (?:have|find|fix|use|build|create|write|buy|order|book|schedule|return|cancel|check|start|discuss|apply)",
    r"(?:option|version|variant|draft|plan|choice|example|number|answer|idea)s? [A-Z\d]\b|your?\b|(?:both|all) of",
    r"(?-i:the (?!(?:rain|sea|ocean|beach|mountains?|outdoors|countryside|snow|sun|cold|heat|dark|summer|winter|autumn"
    r"|spring|city|forest|woods|theatre|theater|opera|cinema|gym|piano|guitar|violin|water|wind|news|internet|nineties"
    r"|eighties|moon|stars|night|holidays|color|colour|metric|imperial|window|aisle|[\w-]+ (?:music|cuisine|food"
    r"|movies))\b"
    r"|(?:smell|taste|texture|sound|feeling|feel) of [a-z]+$)[a-z]\w*)",
    r"to (?:learn more|report|request|think|believe|keep|do|go with)",
    r"an? (?:refund|copy|list|table|summary|reply|response|second opinion)",
)
"""How things begin that mean nothing outside of the conversation, or are a wish of the moment."""

NO_PLACE = _beginning(
    r"linux|windows|macos|mac|ubuntu|python|rust|java|javascript|typescript|go|golang|vim|neovim|emacs",
    r"vs ?code|react|vue",
    r"svelte|angular|django|flask|fastapi|postgres(?:ql)?|mysql|mongodb|redis|sqlite|docker|kubernetes|aws",
    r"azure|gcp|git",
    r"github|gitlab|android|ios|iphone|chrome|firefox|slack|notion|gmail|version|v?\d",
    r"(?:an?|the|my|your|our|his|her|their|this|that|another|some|different|one|two) "
    r"(?!US\b|USA\b|UK\b|UAE\b|EU\b|Netherlands|Philippines|Bahamas|Maldives|Hague|Bronx|Bay Area|Midwest|small |tiny "
    r"|little |city of|town of|village|suburbs|countryside|north|south|east|west|outskirts|cent(?:re|er) of|middle of)",
    r"new (?!york|orleans|zealand|delhi|jersey|mexico|hampshire|south wales|caledonia|haven|hope)",
    r"tears|bed|page|step|chapter|level|slide|section|question|line|row|column|fear|hope|denial|peace|harmony"
    r"|pain|there|here|sync|luxury|poverty",
    r"[a-z]+ing\b|do|be|see|get|make|work|study|take|live",
)
NO_EMPLOYER = _beginning(
    r"home|night|the moment|least|first|now|a while|me|you|it|this|that|him|her|them|\d|hours|days|weeks|months|years",
    r"some|what",
)
NO_FOOD = _anywhere("now|yet|more|right|anymore|lunch|dinner|breakfast")
PRONOUN = _beginning("it|this|that|these|those|he|she|they|we|you|which|what|who|there|here|one|everything")
IMPERATIVE = _beginning(
    r"(?:please |just |always |never |do not |don't )*"
    rf"(?:{NAMED['assist']}|stop|avoid|skip|leave|make|remember|check|provide|limit)"
)

UNSURE = _anywhere(
    r"almost|nearly|basically|practically|virtually|literally|technically|was going to|supposed to|in theory|as if",
    r"(?:not|\w+n't) (?:just|only|merely|simply|not|never|exactly|necessarily|say|think|believe)|never not"
    r"|wonder|considering",
    r"if|imagine|imagining|suppose|supposing|pretend|hypothetically|wouldn't|would|wish|might|(?-i:may)(?! \d)|maybe",
    r"perhaps|probably|possibly|couldn't|could|hopefully|unless|whether|guess|assuming|as though|dreamt",
    r"dreamed|kidding",
    r"joking|not sure|apparently|supposedly|lol|jk|I'd",
)
_EXCLAIMED = (
    r"(?:(?:oh|thanks|yes|yeah|yea|sure|great|wow|wonderful|fantastic|perfect|right|ah|well|because|cause)[,.! ]+)"
)
SARCASTIC = re.compile(
    either(
        r"(?:yeah|oh|sure)[, ]+(?:right|sure|yeah)\b",
        rf"{_EXCLAIMED}+(?:I|my)\b.*\b(?:totally|clearly|obviously|made of"
        r"|(?:just|so|absolutely|really) (?:love|adore|enjoy|like))\b",
        rf"{_EXCLAIMED}*(?:and )?I (?:just|simply|so|totally) (?:just )?(?:love|adore|enjoy) (?:[a-z]+ing|it|how"
        rf"|when|that)\b",
        rf"{_EXCLAIMED}*I (?:\w+ )?(?:love|adore|enjoy) (?:being|getting) \w+(?:ed|en)\b(?! with)",
        r".{1,300}(?:(?<!\S)/s$|\b(?:truly a (?:joy|blessing|treat)|lucky me|what a (?:joy|treat|delight))\b)",
    ),
    re.IGNORECASE,
)
"""Says the contrary of what it means."""
REPORTED = Caseless(
    r"\b(?!(?:I|have|you|to|n?ever|always|please|don't|not|and|or|want|just)\b)[\w']+ "
    r"(?:always |also |just |used to |keeps? |once |even )?"
    r"(?:says?|said|saying|tells?|told|telling|claims?|claimed|insists?|thinks?|thought|asked|wrote|writes"
    r"|swears?|reckons?"
    r"|believes?|puts? it|began|begins|reads)\b",
)
"""Another one's words, or opinion."""
PASSING = _anywhere(
    r"today|tonight|tomorrow|yesterday|right now|at the moment|for now|just now|at present|for the moment|until",
    r"this (?:morning|afternoon|evening|week|weekend|time|minute|instant)|temporarily|so far|(?:in|for|on) "
    r"this(?: \w+)?|here",
)
LONG_AGO = _anywhere(
    r"(?<!since )(?:19|20)\d\d|(?:years?|decades?) (?:ago|before|earlier)|when I was|back (?:in|when|then)",
    r"as an? (?:child|kid|teenager)",
)
"""Puts what happened so far back that it tells nothing of the present."""
NOT_A_NAME = words(
    """Back Here Done Fine Good Great Ok Okay Sorry Sure Ready Happy Sad Tired Confused Curious Bored Lost Stuck New
    Not Just Also Trying Looking Having Getting Going Interested Writing Working Using Wondering Happily Very So
    Really Thinking Planning Frustrated Angry Excited Afraid Worried Glad Grateful"""
)
