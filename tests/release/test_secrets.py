"""Keys of several services, put together here so that no file holds one."""

import base64
import json
import random

import pytest

from wildpaper.errors import WildpaperError
from wildpaper.release.redaction.redaction_rules import Detector, load_rules
from wildpaper.release.redaction.redaction_spans import cover
from wildpaper.release.redaction.redactor import Redactor
from wildpaper.release.redaction.secrets_in_text import SecretFinder, secret_finder

RULES = load_rules()
ALNUM = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
HEX = "0123456789abcdef"


def letters(n, alphabet=ALNUM, seed=7):
    rng = random.Random(seed)
    return "".join(rng.choice(alphabet) for _ in range(n))


def token():
    def part(value):
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    head, body = part({"alg": "HS256", "typ": "JWT"}), part({"sub": "1234567890"})
    return f"{head}.{body}.{letters(43)}"


def private_key(header="RSA "):
    lines = "\n".join(letters(64, seed=i) for i in range(6))
    return f"-----BEGIN {header}PRIVATE KEY-----\n{lines}\n-----END {header}PRIVATE KEY-----"


KEYS = {
    "OPENAI_TOKEN": "sk-" + letters(20) + "T3Blbk" + "FJ" + letters(20, seed=8),
    "GITHUB_TOKEN": "gh" + "p_" + letters(36),
    "GITLAB_TOKEN": "glp" + "at-" + letters(20),
    "AWS_ACCESS_KEY": "AK" + "IA" + letters(16, ALNUM[:26]),
    "SLACK_TOKEN": "xox" + "b-123456789012-" + letters(24),
    "STRIPE_ACCESS_KEY": "sk_" + "live_" + letters(24),
    "SENDGRID_API_KEY": "S" + "G." + letters(22) + "." + letters(43, seed=8),
    "MAILCHIMP_ACCESS_KEY": letters(32, HEX) + "-u" + "s12",
    "TWILIO_API_KEY": "S" + "K" + letters(32, HEX),
    "SQUARE_OAUTH_SECRET": "sq0" + "csp-" + letters(43),
    "TELEGRAM_BOT_TOKEN": "123456789:" + letters(35),
    "DISCORD_BOT_TOKEN": "M" + letters(23) + "." + letters(6) + "." + letters(27),
    "PYPI_TOKEN": "pypi-" + "AgEIcHlwaS5vcmc" + letters(80),
    "JSON_WEB_TOKEN": token(),
    "PRIVATE_KEY": private_key(),
}
FRAMES = ["{}", "My secret key is {}\n", "a😀字 key='{}'; x", "\r\n{}\r\n"]


def redacted(text):
    return cover(text, Redactor(RULES).redactions(text, "English", [], {}))


@pytest.mark.parametrize("detail", list(KEYS))
@pytest.mark.parametrize(
    "frame", ["{}", "My secret key is {}\n", "a😀字 key='{}'; x", "\r\n{}\r\n"]
)
def test_a_key_is_replaced_whole_and_its_surroundings_stay(detail, frame):
    text = frame.format(KEYS[detail])
    assert redacted(text) == frame.format(f"<DETECT_SECRETS_REDACTED_{detail}>")


def test_a_key_is_replaced_wherever_it_stands():
    key = KEYS["GITHUB_TOKEN"]
    found = redacted(f"use {key}\nor x{key}y")
    assert key not in found
    assert found.count("<DETECT_SECRETS_REDACTED_GITHUB_TOKEN>") == 2


def test_a_password_in_an_address_is_replaced_as_a_word():
    text = "postgres://mara:hunter22@db.example.net/x and hunter22, not hunter222"
    mark = "<DETECT_SECRETS_REDACTED_BASIC_AUTH_CREDENTIALS>"
    assert redacted(text) == f"postgres://mara:{mark}@db.example.net/x and {mark}, not hunter222"


def test_passwords_of_examples_are_left():
    text = "postgres://user:password@localhost/x with a password"
    assert redacted(text) == text


def test_a_private_key_without_an_end_is_replaced_as_far_as_it_goes():
    text = private_key().rsplit("\n", 2)[0] + "\n\nWhat is this?"
    assert redacted(text) == "<DETECT_SECRETS_REDACTED_PRIVATE_KEY>\n\nWhat is this?"


def test_two_private_keys_are_two():
    text = f"{private_key()}\n and \n{private_key('EC ')}"
    mark = "<DETECT_SECRETS_REDACTED_PRIVATE_KEY>"
    assert redacted(text) == f"{mark}\n and \n{mark}"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "The password is not here, and the token of my esteem neither.",
        "sk-learn is a library; ghp_ is a prefix; AKIA is one too.",
        "https://example.net:8080/path?x=1 at 12:30 in Asia",
        "0" * 5000,
        letters(2000),
    ],
)
def test_prose_and_noise_are_left(text):
    assert redacted(text) == text


def test_what_a_detector_needs_never_hides_what_it_finds():
    """The strings in the file of rules only save time."""
    secrets = RULES.secrets
    bare = secrets.model_copy(
        update={
            "plugins": tuple(entry.model_copy(update={"needs": ()}) for entry in secrets.plugins)
        }
    )
    texts = [f"key {key} and {key.lower()}" for key in KEYS.values()]
    texts += ["softlayer_api_key = " + letters(64, HEX), "cloudant_key: " + letters(24, HEX[10:]),
              "ibm_cloud_iam_key=" + letters(44), "cos_hmac_secret_access_key=" + letters(48, HEX),
              "aws secret key = '" + letters(40) + "'", "AccountKey=" + letters(88),
              "//registry.example.net/:_authToken=" + "npm_" + letters(36)]  # fmt: skip
    found = [secret_finder(secrets).find(text) for text in texts]
    assert found == [SecretFinder(bare).find(text) for text in texts]
    assert all(found)


def test_an_unknown_detector_is_named():
    secrets = RULES.secrets.model_copy(update={"plugins": (Detector(plugin="NoDetector"),)})
    with pytest.raises(WildpaperError, match="NoDetector"):
        SecretFinder(secrets)
