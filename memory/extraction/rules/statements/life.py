"""Where and with whom someone lives, what they do, how their health is."""

from re import Match

from memory.extraction.rules import vocabulary as v
from memory.extraction.rules.statement import allergen, lasting_thing, place, say


def _employer(match: Match[str]) -> bool:
    return v.NO_EMPLOYER.match(match["x"]) is None


def _occupation(match: Match[str]) -> bool:
    return v.OCCUPATION.match(match["x"]) is not None


def _food(match: Match[str]) -> bool:
    return lasting_thing(match) and v.NO_FOOD.search(match["x"]) is None


HOME = (
    say(r"I (?:<not> )?<adv>(?:live|reside) (?:<word> ){0,4}?(?:in|near) (?P<x>.+)", "fact", "residence", check=place),
    say(
        r"(?:<am>|I have <adv>been )(?:based|living|located|residing) (?:in|near|out of) (?P<x>.+)",
        "fact",
        "residence",
        check=place,
    ),
    say(
        r"I <adv>(?:moved|relocated) (?:(?:back|away|over) )*(?:from [\w' -]+? )?to (?P<x>.+)",
        "fact",
        "residence",
        sure=0.95,
        lasting=False,
        check=place,
    ),
    say(r"<am>(?:moving|relocating) (?:from .{2,30} )?to (?P<x>.+)", "fact", sure=0.8, lasting=False, check=place),
    say(r"<am>a (?:single|stay[- ]at[- ]home) (?:mom|mum|dad|mother|father|parent)\b", "fact"),
    say(
        r"I have an? <number>[- ](?:week|month|year)s?[- ]old\b(?! (?:car|house|laptop|phone|computer|bug|issue))",
        "fact",
    ),
    say(r"I have <adv>lived in (?P<x>[A-Z][\w' -]*?) (?:for|since)\b", "fact", "residence", cased=True),
    say(
        r"We (?:<adv>live in|moved to|<adv>are based in) (?P<x>[A-Z][\w'-]*(?: [A-Z][\w'-]*){0,2})",
        "fact",
        "residence",
        cased=True,
        content="User lives in {x}",
    ),
    say(r"<am>(?:the|an?) (?:proud )?(?:mother|father|mom|mum|dad|parent|grand(?:mother|father)) (?:of|to) ", "fact"),
    say(r"My (?:phone|laptop|computer|car|bike|camera) is an? [A-Z]", "fact", cased=True),
    say(r"<am>(?:the )?(?:eldest|oldest|youngest|only child|an only child|middle child)\b(?! (?:here|one))", "fact"),
    say(r"I have never <adv>(?:been (?:to|on)|smoked|drunk|eaten|owned|driven|flown|had an?) ", "fact"),
    say(r"I <adv>live (?:alone|with (?:my|two|three|a|an) .+)$", "fact"),
    say(
        r"I (?:used to (?:live|work|be|play|own|have|drive|smoke|eat|drink|love|like|hate)|grew up) .+",
        "fact",
        lasting=False,
    ),
)

WORK = (
    say(
        r"I (?:<not> )?<adv>work (?:(?:full|part)[- ]time |remotely )*(?:at|for) (?P<x>.+)",
        "fact",
        "employer",
        check=_employer,
    ),
    say(
        r"I (?:<not> )?<adv>(?:work|freelance) (?:(?:full|part)[- ]time |remotely )*as (?:an?|the) "
        r"(?P<value>.+)",
        "fact",
        "job",
    ),
    say(
        r"I <adv>work (?:in (?!progress|this|an? (?:loop|hurry|rush)|the (?!(?:public|private|food|film|music"
        r"|energy|tech|health"
        r"|education|construction|arts|city|army|navy|military|government|UK|US|USA|EU|Netherlands)\b))"
        r"|from home|remotely|nights|night shifts|the (?:night|early|late|day|graveyard) shift|part[- ]time"
        r"|full[- ]time|freelance)",
        "fact",
        sure=0.85,
    ),
    say(
        r"I (?:have )?<adv>(?:joined|started (?:working )?(?:at|for|with)"
        r"|(?:got|took|accepted|started) (?:a|the) (?:new )?job (?:at|with)) [A-Z]",
        "fact",
        "employer",
        cased=True,
        lasting=False,
    ),
    say(
        r"I (?:have )?<adv>(?:left|quit) (?P<gone>[A-Z][\w&' -]*?)<when>",
        "fact",
        "employer",
        sure=0.85,
        cased=True,
        lasting=False,
    ),
    say(
        r"I (?:have )?<adv>(?:lost|quit|left|resigned from) my job(?: (?:at|with|for) (?P<gone>.+?)<when>|\b)",
        "fact",
        "employer",
        lasting=False,
    ),
    say(
        r"I (?:got|was) (?:laid off|fired|made redundant)(?: (?:from|by|at) (?!my\b|work\b)(?P<gone>.+?)<when>|\b)",
        "fact",
        "employer",
        lasting=False,
    ),
    say(
        r"<am>(?:not )?(?P<value>retired|unemployed|self[- ]employed)<any more>(?:$|,| and\b| but\b)",
        "fact",
        "job",
        lasting=False,
    ),
    say(r"I (?:have )?<adv>retired\b", "fact", "job", lasting=False),
    say(r"I (?:have )?<adv>(?:got|was) promoted to .+", "fact", "job", lasting=False),
    say(r"<am>(?:not )?(?:an?|the) (?P<x>.+)", "fact", "job", check=_occupation),
    say(r"<am>(?:training|studying) to (?:be|become) an? .+", "fact"),
    say(
        r"I <adv>(?:own|run|founded|co-?founded|co-?own|manage|lead) (?:an?|my own|<number>|the) (?:<word> "
        r"){0,4}?<business>\b",
        "fact",
    ),
    say(
        r"I (?:<not> )?<adv>(?:teach|study|studied|majored in|graduated (?:from|in|with)|volunteer (?:at|for)"
        r"|coach) (?P<x>.+)",
        "fact",
        lasting=False,
        check=lasting_thing,
    ),
    say(
        r"I (?:have|hold|got|earned|did) (?:an?|my)? ?(?:PhD|doctorate|master'?s?|bachelor'?s?|MBA|degree)(?: "
        r"degree)? (?:in|from|of) "
        r"(?!procrastinat|overthink|sarcasm|nap|laz|bullshit|bs\b|common|being|worry|chaos).+",
        "fact",
        lasting=False,
    ),
    say(r"<am>doing (?:an?|my) (?:PhD|doctorate|master'?s|bachelor'?s|MBA)\b", "fact"),
    say(r"I have <adv>been working (?:at|for) [A-Z]", "fact", "employer", cased=True),
    say(r"I use an? (?:\w+ )?(?:wheelchair|cane|walker|hearing aid|guide dog|screen reader|cpap)\b", "fact"),
    say(r"I (?:have )?<adv>switched (?:careers|jobs|fields) (?:from .+ )?to .+", "fact", lasting=False),
)

FAMILY = (
    say(r"I (?:<not> )?<adv>have (?:any )?(?:kids|children|siblings|pets|twins|triplets|grandchildren)\b", "fact"),
    say(
        r"I (?:<not> )?<adv>(?:have|own) (?:an?|<number>|no|any|some) (?:<word> ){0,3}?(?!friend)"
        r"(?:<kin>|<pet>|<breed>|<possession>|siblings|kids|children|grandchildren)s?"
        r"(?:$|,| (?:named|called|who|whose|that|which|and|but|with|in (?!law\b)|from|at|aged|so|because)\b)",
        "fact",
    ),
    say(
        r"I <not> (?:even )?(?:have|own) an? (?:garden|car|smartphone|phone|computer|licen[sc]e|driver's "
        r"licen[sc]e|tv|oven|dishwasher"
        r"|balcony|freezer"
        r"|passport|job|degree)\b",
        "fact",
    ),
    say(
        r"<am>(?:not )?(?:happily |newly )?(?P<value>married|engaged|divorced|widowed|separated"
        r"|single)<any more>(?: to (?!my (?:job|work)\b|excel|the (?:game|sea|job|grind)|work).+)?$",
        "fact",
        "marital_status",
    ),
    say(r"I (?:have )?<adv>(?:got|gotten) (?:married|engaged|divorced)\b", "fact", "marital_status", lasting=False),
    say(r"My (?P<x><partner>)(?:'s name is| is (?:called|named)) [\w' -]+$", "fact", "name:{x}", sure=0.95),
    say(r"My (?:<word> ){0,2}(?:<kin>|<pet>)(?:'s|s'|s)? (?:names? (?:is|are)|(?:is|are) (?:called|named)) .+", "fact"),
    say(
        r"My (?:<word> ){0,2}(?:<kin>|<pet>)s? (?:[A-Z]\w+ )?(?:is|are) (?:not )?<adv>(?:severely )?(?:an? )?"
        r"(?:allergic|intolerant|vegan|vegetarian|diabetic|from |\d{1,3} (?:years|months)"
        r"|an? (?:<word> ){0,2}(?:<occupation>|<breed>))",
        "fact",
    ),
    say(
        r"My (?:<word> ){0,2}(?:<kin>|<pet>)s? (?:(?:does not|doesn't|do not|don't|never) (?:likes?|eats?|drinks?)"
        r"|(?:lives?|works?) (?:in|at|for|as)|(?:loves?|likes?|hates?|adores?) (?!it\b|this|that|you|how|when)).+",
        "fact",
    ),
    say(
        r"My (?:<word> )?<partner> and I (?:have|live|own|run|moved to|bought|are (?:vegan|vegetarian|married"
        r"|expecting)).+",
        "fact",
    ),
)

HEALTH = (
    say(
        r"<am>(?:not )?<adv>(?:severely |badly |highly |very |mildly |deathly )?allergic to (?P<x>.+)",
        "fact",
        "allergy:{x}",
        sure=0.98,
        check=allergen,
    ),
    say(
        r"I have (?:an? )?(?:(?:severe|bad|mild|strong|serious) )?(?P<x><word>(?: <word>)?) (?:allergy|intolerance)\b",
        "fact",
        "allergy:{x}",
        sure=0.98,
    ),
    say(
        r"I have an? (?:\w+ )?(?:allergy|intolerance) to (?P<x>.+)",
        "fact",
        "allergy:{x}",
        sure=0.98,
        check=lasting_thing,
    ),
    say(
        r"I (?:<not> )?<adv>(?:have(?: had)?|suffer from|live with) <condition>\b(?! (?:in my|about"
        r"|over))",
        "fact",
        sure=0.95,
    ),
    say(
        r"(?:<am>|I have been )(?:not )?(?:an? )?(?:strict )?(?P<value><diet>)(?: or <diet>)?<any more>(?: "
        r"(?:since|for) .+)?$",
        "fact",
        "diet",
        sure=0.97,
    ),
    say(
        r"(?:I <adv>(?:follow|keep|eat)|<am>on) (?:an? )?(?:strict )?(?:<word> )?(?:<diet>|low[- ]carb"
        r"|gluten[- ]free|paleo)(?: diet)?$",
        "fact",
        "diet",
        sure=0.95,
    ),
    say(
        r"(?:<am>|I have been )(?:not )?<adv>(?P<x><trait>)(?:$|,| (?:at all|in|since|and|but|from|so|because)\b)",
        "fact",
        "is:{x}",
        sure=0.95,
    ),
    say(r"I (?:have been|was|got) <adv>diagnosed with (?!you)", "fact", sure=0.95, lasting=False),
    say(r"I (?:<not> |never )?have (?:any |no )(?:known )?(?:food )?allergies", "fact"),
    say(r"I wear (?:hearing aids?|glasses|contacts|contact lenses|braces|size) ?", "fact"),
    say(r"<am>on the (?:autism |autistic )?spectrum\b", "fact"),
    say(
        r"I (?:have )?<adv>(?:turned|became|went|gone|become) (?:an? )?(?P<value><diet>)\b",
        "fact",
        "diet",
        lasting=False,
    ),
    say(
        r"<am>(?:not )?(?:(?:<number>|\d+) (?:weeks|months) )?(?:pregnant)(?:$|,| with\b| and\b)", "fact", "is:pregnant"
    ),
    say(r"I <cannot> <adv>(?:eat|drink|tolerate|digest) (?P<x>.+)", "fact", "tolerates:{x}", check=_food),
    say(
        r"I <cannot> <adv>(?:have|take) (?P<x>(?!an?\b|the\b|my\b|any\b|so\b|part\b|place\b|on\b|off\b"
        r"|out\b)<word>(?: <word>)?(?: or <word>)?)$",
        "fact",
        "tolerates:{x}",
        check=_food,
    ),
)
