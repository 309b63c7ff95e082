import re
import tomllib
from pathlib import Path

import pytest

from config.settings import Secret, Setting, Settings, SettingsError, catalogue, load, without_credentials

EXAMPLE = Path(__file__).parents[2] / "config" / "remora.example.toml"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "remora.toml"


def problems_of(environ: dict[str, str], file: Path | None = None) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load(environ, file)
    return caught.value.problems


def value_of(settings: Settings, setting: Setting) -> object:
    value: object = settings
    for name in setting.path:
        value = getattr(value, name)
    return value


def test_nothing_given_is_the_defaults() -> None:
    assert load({}) == Settings()


def test_the_file_overrides_the_default(file: Path) -> None:
    file.write_text('port = 9000\n[upstream]\nbase_url = "http://file"\n')
    settings = load({}, file)
    assert (settings.port, settings.upstream.base_url) == (9000, "http://file")


def test_the_environment_overrides_the_file_one_by_one(file: Path) -> None:
    file.write_text('port = 9000\n[upstream]\nbase_url = "http://file"\nidle_timeout = 7\n')
    settings = load({"REMORA_UPSTREAM_BASE_URL": "http://environment"}, file)
    assert (settings.port, settings.upstream.base_url) == (9000, "http://environment")
    assert settings.upstream.idle_timeout == 7


def test_an_empty_value_is_as_good_as_none(file: Path) -> None:
    file.write_text('admin_key = ""\nhost = "file.example"\n')
    settings = load({"REMORA_HOST": "", "REMORA_PORT": "  "}, file)
    assert (settings.admin_key, settings.host, settings.port) == (None, "file.example", 8080)


def test_the_word_null_is_a_key_like_any_other() -> None:
    assert load({"REMORA_ADMIN_KEY": "null"}).admin_key == Secret("null")


def test_all_bad_values_are_told_at_once_each_with_its_name_and_the_rule(file: Path) -> None:
    file.write_text('workers = "two"\ncolour = "red"\n[log]\nlevel = "loud"\n[stream]\nping_seconds = 0\n')
    environ = {"REMORA_PORT": "70000", "REMORA_INSECURE": "perhaps", "REMORA_STORE": "mysql://x", "REMORA_PROT": "1"}
    assert sorted(problems_of(environ, file)) == [
        "REMORA_INSECURE: expected true or false",
        "REMORA_PORT: expected a whole number of at least 0 up to 65535",
        "REMORA_PROT: no such setting",
        "REMORA_STORE: expected a URL that starts with sqlite://, redis:// or rediss://",
        "colour: no such setting",
        "log.level: expected one of debug, error, info, warning",
        "stream.ping_seconds: expected a number above 0",
        "workers: expected a whole number of at least 1",
    ]


@pytest.mark.parametrize("text", ["port =", "\0", "[upstream\n"])
def test_a_file_that_is_no_toml_is_told_with_its_name(file: Path, text: str) -> None:
    file.write_text(text)
    (problem,) = problems_of({}, file)
    assert problem.startswith(f"{file}: ")


def test_a_missing_file_is_told_with_its_name(file: Path) -> None:
    assert problems_of({}, file) == [f"{file}: No such file or directory"]


def test_a_section_given_as_a_value_is_told(file: Path) -> None:
    file.write_text('upstream = "http://x"\n')
    assert problems_of({}, file) == ["upstream: no such setting"]


def test_a_url_with_credentials_is_refused() -> None:
    assert problems_of({"REMORA_UPSTREAM_BASE_URL": "https://me:hidden@host/v1"}) == [
        "REMORA_UPSTREAM_BASE_URL: expected an http:// or https:// URL without credentials"
    ]


SECRETS = [setting for setting in catalogue() if "Secret" in str(setting.type)]


def test_every_key_is_a_secret() -> None:
    assert [setting for setting in catalogue() if setting.variable.endswith("_KEY")] == SECRETS


@pytest.mark.parametrize("setting", SECRETS, ids=lambda setting: setting.variable)
def test_a_secret_never_prints(setting: Setting) -> None:
    settings = load({setting.variable: "tell-nobody"})
    secret = value_of(settings, setting)
    assert isinstance(secret, Secret)
    assert secret.reveal() == "tell-nobody"
    for text in (repr(settings), str(settings), f"{secret}", f"{secret!r}"):
        assert "tell-nobody" not in text


def test_no_error_message_prints_a_value(file: Path) -> None:
    file.write_text("admin_key = 31337\n[upstream]\napi_key = [31337]\n")
    assert "31337" not in "".join(problems_of({"REMORA_STORE": "31337", "REMORA_PORT": "31337.5"}, file))


def test_the_password_in_the_store_never_prints() -> None:
    settings = load({"REMORA_STORE": "rediss://app:tell-nobody@redis.example:6379/0"})
    assert "tell-nobody" not in repr(settings)
    assert without_credentials(settings.store) == "rediss://***@redis.example:6379/0"


def test_the_variables_are_those_of_the_documentation() -> None:
    documented = """
        HOST PORT WORKERS STORE UPSTREAM_BASE_URL UPSTREAM_API_KEY UPSTREAM_CONNECT_TIMEOUT UPSTREAM_FIRST_BYTE_TIMEOUT
        UPSTREAM_IDLE_TIMEOUT ADMIN_KEY INSECURE EMBEDDER EMBEDDER_BASE_URL EMBEDDER_MODEL EMBEDDER_API_KEY EXTRACTION
        EXTRACTION_MODEL EXTRACTION_BASE_URL EXTRACTION_API_KEY
        CONTEXT_TOKEN_BUDGET CONTEXT_POSITION CONTEXT_DEADLINE_MS
    """
    assert {f"REMORA_{name}" for name in documented.split()} <= {setting.variable for setting in catalogue()}


def test_no_two_settings_share_a_variable() -> None:
    variables = [setting.variable for setting in catalogue()]
    assert len(variables) == len(set(variables))


def uncommented_example() -> str:
    return re.sub(r"(?m)^#(?=\S)", "", EXAMPLE.read_text())


def test_the_example_file_lists_every_setting_and_no_other() -> None:
    tree = tomllib.loads(uncommented_example())
    listed = {(name,) for name, value in tree.items() if not isinstance(value, dict)} | {
        (section, name) for section, values in tree.items() if isinstance(values, dict) for name in values
    }
    assert listed == {setting.path for setting in catalogue()}


def test_the_example_file_names_the_variable_beside_each_setting() -> None:
    named = re.findall(r"(?m)^#[a-z_]+ = .* # (REMORA_[A-Z_]+)$", EXAMPLE.read_text())
    assert sorted(named) == sorted(setting.variable for setting in catalogue())


def test_the_example_file_uncommented_is_the_defaults(file: Path) -> None:
    file.write_text(uncommented_example())
    assert load({}, file) == Settings()


def test_the_example_file_as_it_is_sets_nothing() -> None:
    assert tomllib.loads(EXAMPLE.read_text()) == {}


@pytest.mark.parametrize("key", ["sk-up\nsecret", "sk-s\u00e9cret", "two words", "nul\x00"])
def test_a_key_that_no_header_can_carry_is_refused_and_not_shown(key: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load({"REMORA_UPSTREAM_API_KEY": key})

    [problem] = caught.value.problems
    assert problem.startswith("REMORA_UPSTREAM_API_KEY: expected a key")
    assert key not in problem
