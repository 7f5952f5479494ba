"""How servers word what their codes leave open; searched for without regard to case."""

from __future__ import annotations

SPAM = (
    r"\bspam|unsolicited|black.?list|block.?list|deny.?list|blocked using|reputation"
    r"|\bdnsbl\b|\brbl\b|spamhaus|phish|virus|malware|suspicious|\bjunk\b|bulk mail"
)
CLIENT_BLOCKED = (
    r"client host|blocked using|\bdnsbl\b|\brbl\b|spamhaus|helo command rejected"
    r"|\bip\b.{0,60}\b(block|black|list|ban|reject|denied)"
)
RELAY = (
    r"relay(ing)?( \w+){0,3}? (denied|not|prohibited|disabled)|unable to relay"
    r"|not relay|allowed rcpthosts|credentials for relay"
)
SENDER = (
    r"sender address rejected|sender verify|not owned by|SendAsDenied"
    r"|permissions? to send as"
    r"|not (allowed|permitted|authori[sz]ed) to (send|use) (\w+ )?(as|from|this sender)"
)
NEEDS_LOGIN = (
    r"authentication (is )?required|must (first )?(authenticate|log ?in)"
    r"|not authenticated to send|authenticate first|requires? authentication"
)
NEEDS_TLS = r"starttls|encrypt|\b(tls|ssl)\b.{0,20}required"
MAILBOX_FULL = (
    r"(mailbox|account|inbox|user)\b.{0,40}\b(full|over ?quota|quota exceeded)"
    r"|over (its |the |their )?quota|quota exceeded \(mailbox|storage (limit|quota)"
)
MAILBOX_BUSY = r"receiving (mail|messages|too)|recipient thread limit|STOREDRV\.Deliver"
TOO_BIG = (
    r"(message|size).{0,40}(too (big|large)|exceeds?)|exceeded.{0,30}size"
    r"|size limit|maximum size"
)
UNKNOWN_USER = (
    r"(user|recipient|mailbox|address|account).{0,40}"
    r"(unknown|not (found|exist|available|known|valid)|n't exist|doesn't|invalid)"
    r"|(no such|unknown|invalid|non.?existent) (local )?"
    r"(user|recipient|mailbox|address)"
)
RESTRICTED = (
    r"not (authori[sz]ed|allowed|permitted) to (send|post|mail)( \w+)? to"
    r"|only accepts|restricted|closed list|permission to (send|e?mail) to"
)
PER_DAY = r"daily|24.?hours?|per day|a day|SubmissionQuota|RecipientRateLimit"
LIMIT = (
    r"(daily|hourly|send|sending|relay|outbound|submission|rate|per.?user)"
    r"( \w+){0,4}? (limit|quota)|rate.?limit"
    r"|max(imum)? ((number of )?)(e-?mails|messages|recipients) (per|an?|in)\b"
    r"|(limit|quota).{0,40} (per|an?) (minute|hour|day)|e-?mail quota exceeded"
    r"|SubmissionQuota|RecipientRateLimit|too many (e?mails|messages|recipients)"
    r"|unusual rate|sen(d|t|ding) too (many|much|fast)"
)
ENDS_SESSION = (
    r"(messages|mails?|recipients|commands|transactions) (in|on|for|per)"
    r" (this |the |one )?(connection|session)|per (connection|session)"
    r"|time.?out|timed out|\bidle\b|too long (idle|without)"
)
TOO_MANY_CONNECTIONS = (
    r"(too many|concurrent|simultaneous).{0,30}(connections?|sessions?)"
    r"|sender thread limit"
)
# Exchange Online, of a mailbox that it takes for a spammer's.
BLOCKED_SENDER = r"bad outbound sender|OutboundSpamException"
BLOCKED_ACCOUNT = (
    r"(account|user|mailbox|tenant|sender).{0,40}(suspended|disabled|locked|blocked)"
)
