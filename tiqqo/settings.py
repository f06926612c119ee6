"""Settings of the project. Every difference between machines comes from the environment.

`docs/operations.md` lists the variables.
"""

import os
from decimal import Decimal
from ipaddress import ip_network
from pathlib import Path
from urllib.parse import urlsplit

import dj_database_url
import django
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

ROOT = Path(__file__).resolve().parent.parent
VAR_DIR = Path(os.environ.get("VAR_DIR", ROOT / "var"))


def _flag(name: str, default: str = "0") -> bool:
    return os.environ.get(name, default) not in {"0", "", "false", "no"}


def _words(name: str, default: str = "") -> list[str]:
    return [word for word in os.environ.get(name, default).replace(",", " ").split() if word]


DEBUG = _flag("DEBUG")
TESTING = _flag("TIQQO_TEST")
BASE_URL = os.environ.get("BASE_URL", "http://127.0.0.1:8000").rstrip("/")
_secure = BASE_URL.startswith("https://")

SECRET_KEY = os.environ.get("SECRET_KEY", "")
if not SECRET_KEY:
    raise ImproperlyConfigured("Set SECRET_KEY. `bin/dev` and `bin/test` make one for you.")

# Secrets are sealed with the first, and read with any: see tiqqo/core/sealed.py and decision 0026.
ENCRYPTION_KEYS = _words("ENCRYPTION_KEYS")
_shortest_key = 32
if any(len(key) < _shortest_key for key in ENCRYPTION_KEYS):
    raise ImproperlyConfigured(
        "A key in ENCRYPTION_KEYS is shorter than 32 characters: `openssl rand -hex 32` makes one."
    )

ALLOWED_HOSTS = _words("ALLOWED_HOSTS") or [urlsplit(BASE_URL).hostname or "localhost"]
if DEBUG or TESTING:
    ALLOWED_HOSTS += ["localhost", "127.0.0.1", "[::1]", "testserver"]
CSRF_TRUSTED_ORIGINS = [BASE_URL]

INSTALLED_APPS = [
    "tiqqo.core",
    "tiqqo.ui",
    "accounts",
    "events",
    "people",
    "ticketing",
    "payouts",
    "orders",
    "checkin",
    "reports",
    "demo",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "django_htmx",
    "template_partials",
    "csp",
    "accounts.support_app.SupportConfig",  # django.contrib.admin, read-only
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",  # allauth's lists of sessions and security keys load its tags
    "django.contrib.messages",
    "django.contrib.sessions",
    "tiqqo.ui.apps.StaticFiles",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "tiqqo.core.page_cache.PublicPages",
    "tiqqo.core.headers.AnswerHeaders",
    # Pads what it zips, and Django masks its tokens, so that sizes tell nothing (BREACH).
    "django.middleware.gzip.GZipMiddleware",
    "csp.middleware.CSPMiddleware",
    "tiqqo.core.middleware.RequestContext",
    "tiqqo.core.security_trace.RefusalsTraced",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "tiqqo.core.language.ReadersLanguage",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "tiqqo.core.middleware.DomainErrors",
    "accounts.second_factors.SecondFactorForStaff",
]

ROOT_URLCONF = "tiqqo.urls"
APPEND_SLASH = True

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        # Widgets of others include those of Django by name.
        "DIRS": [ROOT / "templates", Path(django.__file__).parent / "forms/templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
            "builtins": [
                "tiqqo.ui.templatetags.ui",
                "tiqqo.status_words",
                "django.templatetags.i18n",
            ],
        },
    }
]
FORM_RENDERER = "tiqqo.ui.forms.FormRenderer"

# Database ------------------------------------------------------------------------------

DATABASES = {
    "default": dj_database_url.parse(
        os.environ.get("DATABASE_URL", "postgresql://tiqqo@127.0.0.1:5432/tiqqo"),
        engine="tiqqo.core.postgres",
        conn_max_age=0 if _flag("DATABASE_POOL") else 600,
        conn_health_checks=True,
    )
}
# Whoever owns the tables migrates; the application's role works in what it was granted. Without a role
# of its own for that, the application owns its tables: see decision 0025.
_database: dict[str, object] = DATABASES["default"]  # type: ignore[assignment]  # with a key of ours
_database["OWNER"] = None
if "OWNER_DATABASE_URL" in os.environ:
    _owner = dj_database_url.parse(os.environ["OWNER_DATABASE_URL"])
    if _owner["NAME"] != DATABASES["default"]["NAME"]:
        raise ImproperlyConfigured(
            "OWNER_DATABASE_URL and DATABASE_URL must name the same database."
        )
    _database["OWNER"] = {key: _owner[key] for key in ("USER", "PASSWORD", "HOST", "PORT")}
# Statements that come again are prepared: planning them anew took longer than running them. Behind
# PgBouncer this needs `max_prepared_statements` (1.21 and later), see docs/scaling.md.
DATABASES["default"].setdefault("OPTIONS", {}).update(server_side_binding=True, prepare_threshold=3)
# Who waits longer than this for a row is told to try again, instead of keeping others waiting. The
# threads of a test stand for many processes, which wait longer on few cores.
DATABASE_LOCK_TIMEOUT_MS = int(
    os.environ.get("DATABASE_LOCK_TIMEOUT_MS", "8000" if TESTING else "2000")
)
WORKER_LOCK_TIMEOUT_MS = int(os.environ.get("WORKER_LOCK_TIMEOUT_MS", "8000"))
DATABASES["default"]["OPTIONS"].setdefault("options", f"-c lock_timeout={DATABASE_LOCK_TIMEOUT_MS}")
# How many requests a web process serves at once; one fewer may wait for rows that are taken.
WEB_THREADS = int(os.environ.get("WEB_THREADS", "4"))
if _flag("DATABASE_POOL"):
    DATABASES["default"]["OPTIONS"]["pool"] = {
        "min_size": 2,
        "max_size": int(os.environ.get("DATABASE_POOL_SIZE", "8")),
        "timeout": 10,
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TENANT_MODEL = "accounts.Organiser"

# Redis: cache and broker, both of which the site can do without for a while ------------

REDIS_URL = os.environ.get("REDIS_URL", "redis://127.0.0.1:6379/0")
CACHES = {
    "default": {
        "BACKEND": "tiqqo.core.cache.Cache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "tiqqo",
    }
}
# A hold commits without waiting for the disk; an order never does. See docs/decisions/0014.
HOLDS_ARE_FORGETTABLE = _flag("HOLDS_ARE_FORGETTABLE", "1")
# How old a public page may be that a stranger sees. What is sold is never that old.
PUBLIC_PAGE_SECONDS = float(os.environ.get("PUBLIC_PAGE_SECONDS", "0" if DEBUG or TESTING else "1"))
SESSION_ENGINE = "django.contrib.sessions.backends.db"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _secure
SESSION_COOKIE_AGE = 60 * 60 * 24 * 14
# A browser takes such a cookie from this host alone, over https: neither a neighbour below the same
# domain nor somebody on the way can set it.
_cookie = "__Host-{}" if _secure else "{}"
SESSION_COOKIE_NAME = _cookie.format("sessionid")
CSRF_COOKIE_NAME = _cookie.format("csrftoken")
MESSAGES_COOKIE_NAME = _cookie.format("messages")
# Cookies that no page of ours reads: those that a neighbour sets for the whole domain, and ours as they
# were named before. Whoever brings one is served a kept page all the same.
IGNORED_COOKIES = {
    *_words("IGNORED_COOKIES"),
    *(["sessionid", "csrftoken", "messages", "language"] if _secure else []),
}

CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_TRANSPORT = "tiqqo.core.broker:Transport"
CELERY_BEAT_SCHEDULER = "tiqqo.core.beat:Scheduler"
# Workers and beat try for ever to reach the broker; whoever looks after them need not start them anew.
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = CELERY_BROKER_CONNECTION_RETRY = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
# A task that runs while the connection is lost ends as it would have: it is harmless to repeat, and cut
# off in the middle it would have to be.
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 600,
    # For whoever enqueues; `tiqqo.celery` gives consumers more. Twice this is less than a second.
    "socket_timeout": 0.4,
    "socket_connect_timeout": 0.4,
    "socket_keepalive": True,
    # A broker that says nothing for this long beyond what it was asked to wait is connected to anew.
    "health_check_interval": 10,
    # Whoever enqueues does not look for a broker again and again: 0 retries.
    "max_retries": 0,
}
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 0}
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"

# Accounts ------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
    {"NAME": "accounts.passwords.TooRegular"},
    {"NAME": "accounts.passwords.WordAndNumber"},
    {"NAME": "accounts.passwords.NamesAround"},
]
CSRF_FAILURE_VIEW = "tiqqo.core.security_trace.csrf_failed"
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
ACCOUNT_ADAPTER = "accounts.adapters.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_SIGNUP_FORM_CLASS = "accounts.forms.SignUpDetails"
ACCOUNT_FORMS = {
    "login": "accounts.account_forms.SignIn",
    "signup": "accounts.account_forms.SignUp",
    "add_email": "accounts.account_forms.AddAddress",
    "change_password": "accounts.account_forms.ChangePassword",
    "reset_password": "accounts.account_forms.ResetPassword",
    "reset_password_from_key": "accounts.account_forms.NewPassword",
}
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True
ACCOUNT_EMAIL_VERIFICATION_SUPPORTS_RESEND = True
ACCOUNT_PASSWORD_RESET_BY_CODE_ENABLED = True
# The mail waits in an outbox first: three minutes, as is allauth's default, may pass before it is there.
ACCOUNT_PASSWORD_RESET_BY_CODE_TIMEOUT = 10 * 60
# The second factor is asked for as ever. So an owner gets in on a new device while strangers guess.
ACCOUNT_LOGIN_ON_PASSWORD_RESET = True
ACCOUNT_LOGIN_BY_CODE_ENABLED = False
ACCOUNT_SIGNUP_REDIRECT_URL = "welcome"
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_REAUTHENTICATION_REQUIRED = True
# Wrong passwords are counted by accounts/attempts.py; of what allauth calls failed logins, only tries of a
# second factor are left.
ACCOUNT_RATE_LIMITS = {
    "login": "100/m/ip",
    "signup": "10/10m/ip",
    "login_failed": "5/300s/key",
    "manage_email": "10/10m/user",
}
MFA_ADAPTER = "accounts.second_factors.MFAAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "Tiqqo"
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = DEBUG or TESTING
USERSESSIONS_TRACK_ACTIVITY = False

# Mail ----------------------------------------------------------------------------------

DEFAULT_FROM_EMAIL = os.environ.get("MAIL_FROM", "Tiqqo <tickets@localhost>")
SERVER_EMAIL = DEFAULT_FROM_EMAIL
EMAIL_BACKEND = os.environ.get(
    "EMAIL_BACKEND",
    "django.core.mail.backends.filebased.EmailBackend"
    if DEBUG or TESTING
    else "django.core.mail.backends.smtp.EmailBackend",
)
EMAIL_FILE_PATH = VAR_DIR / "mail"
EMAIL_HOST = os.environ.get("EMAIL_HOST", "localhost")
EMAIL_PORT = int(os.environ.get("EMAIL_PORT", "25"))
EMAIL_HOST_USER = os.environ.get("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = os.environ.get("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS = _flag("EMAIL_USE_TLS")
EMAIL_TIMEOUT = 20
# Shows operators what is degraded: `Authorization: Bearer …` at /status/. Staff needs none.
# Whose events stand on the front page: of organisers that platform staff "released", of "all", of "none".
FRONT_PAGE = os.environ.get("FRONT_PAGE", "released")
if FRONT_PAGE not in {"released", "all", "none"}:
    raise ImproperlyConfigured('FRONT_PAGE is "released", "all" or "none".')
UNCONFIRMED_ACCOUNT_DAYS = int(os.environ.get("UNCONFIRMED_ACCOUNT_DAYS", "7"))
STATUS_TOKEN = os.environ.get("STATUS_TOKEN", "")
MAIL_VIEWER = _flag("MAIL_VIEWER", "1" if DEBUG or TESTING else "0")
if EMAIL_BACKEND.startswith("anymail."):
    # Only where it sends: it brings much that has to stay in memory.
    INSTALLED_APPS.append("anymail")
# Anymail reads its provider's key from ANYMAIL_<NAME>, for example ANYMAIL_POSTMARK_SERVER_TOKEN.
ANYMAIL = {
    key.removeprefix("ANYMAIL_"): value
    for key, value in os.environ.items()
    if key.startswith("ANYMAIL_")
}

# Who asks, and how often ---------------------------------------------------------------

# Networks whose word counts in X-Forwarded-For: the proxies in front of web. See tiqqo/core/clients.py.
TRUSTED_PROXIES = [ip_network(word) for word in _words("TRUSTED_PROXIES")]
# Other figures for limits, by name: “holds=600/60 codes=20/600” (so many in so many seconds); “off”.
_limits = _words("LIMITS")
LIMITS: dict[str, tuple[int, int]] | None = (
    None
    if _limits == ["off"]
    else {
        name: (int(count), int(seconds))
        for name, _equals, figures in (word.partition("=") for word in _limits)
        for count, _slash, seconds in [figures.partition("/")]
    }
)

# Payments ------------------------------------------------------------------------------

STRIPE_API_KEY = os.environ.get("STRIPE_API_KEY", "")
STRIPE_API_BASE = os.environ.get("STRIPE_API_BASE", "https://api.stripe.com").rstrip("/")
STRIPE_WEBHOOK_SECRET = os.environ.get("STRIPE_WEBHOOK_SECRET", "")
_stripe_pages = (
    "https://checkout.stripe.com"
    if STRIPE_API_BASE == "https://api.stripe.com"
    else "{0.scheme}://{0.netloc}".format(urlsplit(STRIPE_API_BASE))
)
# Threads of one process that may wait for the payment provider at once; the others serve pages.
PROVIDER_CALLS_AT_ONCE = int(os.environ.get("PROVIDER_CALLS_AT_ONCE", "2"))
# What the platform keeps of a paid ticket: a fixed part, by currency, and a share in basis points.
if "SERVICE_FEE_FIXED_MINOR" in os.environ:
    raise ImproperlyConfigured(
        "SERVICE_FEE_FIXED_MINOR is an amount of no currency. Set SERVICE_FEE_FIXED, such as"
        " “EUR=0.49 DKK=3.65”."
    )
SERVICE_FEE_FIXED = {
    currency: Decimal(amount)
    for currency, _equals, amount in (
        word.partition("=")
        for word in _words(
            "SERVICE_FEE_FIXED",
            "EUR=0.49 USD=0.49 GBP=0.45 CHF=0.49 DKK=3.65 SEK=5.50 NOK=5.50 ISK=70 PLN=2.10 JPY=75",
        )
    )
}
SERVICE_FEE_RATE_BP = int(os.environ.get("SERVICE_FEE_RATE_BP", "200"))

# The platform's own privacy notice and terms, linked where somebody signs up; empty: not linked.
PRIVACY_URL = os.environ.get("PRIVACY_URL", "")
TERMS_URL = os.environ.get("TERMS_URL", "")

# Languages and time --------------------------------------------------------------------

LANGUAGE_CODE = "en"
# A language joins when what buyers read is complete in it: docs/decisions/0009, `bin/messages`.
LANGUAGES = [("en", _("English")), ("nl", _("Dutch")), ("de", _("German"))]
LANGUAGE_COOKIE_NAME = _cookie.format("language")
LANGUAGE_COOKIE_AGE = 60 * 60 * 24 * 365
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
LANGUAGE_COOKIE_SECURE = _secure
LOCALE_PATHS = [ROOT / "locale"]
USE_I18N = USE_TZ = True
TIME_ZONE = "UTC"

# Files ---------------------------------------------------------------------------------

STATIC_URL = "static/"
STATIC_ROOT = Path(os.environ.get("STATIC_ROOT", VAR_DIR / "static"))
STATICFILES_DIRS: list[Path | tuple[str, Path]] = [ROOT / "static"]
_barcode_detector = ROOT / "node_modules/barcode-detector/dist/iife"
if _barcode_detector.is_dir():
    STATICFILES_DIRS.append(("vendor/barcode-detector", _barcode_detector))
_zxing = next(
    (
        path
        for path in (
            ROOT / "node_modules/barcode-detector/node_modules/zxing-wasm/dist/reader",
            ROOT / "node_modules/zxing-wasm/dist/reader",
        )
        if path.is_dir()
    ),
    None,
)
if _zxing:
    STATICFILES_DIRS.append(("vendor/zxing", _zxing))
_altcha = ROOT / "node_modules/altcha/dist"
if _altcha.is_dir():
    STATICFILES_DIRS += [
        ("vendor/altcha", _altcha / "external"),
        ("vendor/altcha-workers", _altcha / "workers"),
    ]
_font = ROOT / "node_modules/@fontsource-variable/familjen-grotesk/files"
if _font.is_dir():
    STATICFILES_DIRS.append(("vendor/fonts", _font))
MEDIA_URL = "media/"
MEDIA_ROOT = Path(os.environ.get("MEDIA_ROOT", VAR_DIR / "media"))
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG or TESTING
        else "tiqqo.ui.static_files.ManifestStorage"
    },
}
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = DEBUG or TESTING
WHITENOISE_MIMETYPES = {".wasm": "application/wasm", ".webmanifest": "application/manifest+json"}
# What one request may send with its files, and without them: a form of 12 MB whose every letter is
# escaped keeps a processor for ten seconds. An order for as many people as there may be fits in.
MOST_BODY_BYTES = 12 * 1024 * 1024
DATA_UPLOAD_MAX_MEMORY_SIZE = 512 * 1024
# A checkout asks up to three things about each of so many people, and some about the buyer.
MOST_PEOPLE_IN_ORDER = 500
DATA_UPLOAD_MAX_NUMBER_FIELDS = 3 * MOST_PEOPLE_IN_ORDER + 100

# How long personal data stays after it is over, in days, by kind: see `manage.py retention --dry-run`.
RETENTION_DAYS = {
    "abandoned_orders": 30,
    "account_mails": 30,
    "documents": 30,
    "holds": 30,
    "invitations": 30,
    "provider_events": 90,
    "security_log": 180,
    "task_runs": 180,
    "user_sessions": 30,
    "waitlist": 30,
}
for _word in _words("RETENTION_DAYS"):
    _name, _equals, _days = _word.partition("=")
    if _name not in RETENTION_DAYS or not _days.isdecimal() or int(_days) < 1:
        raise ImproperlyConfigured(
            f"RETENTION_DAYS does not understand “{_word}”. Write kind=days, such as holds=30; kinds are "
            f"{', '.join(sorted(RETENTION_DAYS))}."
        )
    RETENTION_DAYS[_name] = int(_days)

# Security ------------------------------------------------------------------------------

# How often a process writes what it counted for the security log; 0 leaves that to whoever calls `flush`.
SECURITY_LOG_SECONDS = float(os.environ.get("SECURITY_LOG_SECONDS", "0" if TESTING else "1"))
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "media-src": [SELF],
        "worker-src": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "form-action": [SELF, _stripe_pages],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CONTENT_TYPE_NOSNIFF = True
if _secure:
    SECURE_SSL_REDIRECT = _flag("SECURE_SSL_REDIRECT", "1")
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
    SECURE_HSTS_SECONDS = 31_536_000
    # Both bind every other service below this host, the second for years: only their owner may say so.
    SECURE_HSTS_INCLUDE_SUBDOMAINS = _flag("HSTS_INCLUDE_SUBDOMAINS")
    SECURE_HSTS_PRELOAD = _flag("HSTS_PRELOAD")
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
MESSAGE_STORAGE = "tiqqo.core.messages.HostCookieStorage"
# Where people report what they found, at /.well-known/security.txt: an address of mail or web.
SECURITY_CONTACT = os.environ.get("SECURITY_CONTACT", "")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": "tiqqo.core.logs.LineFormatter"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": os.environ.get("LOG_LEVEL", "INFO")},
    "loggers": {
        "django.server": {"level": "WARNING"},
        # That somebody was refused is no news: "sold out" is said a thousand times in a rush.
        "django.request": {"level": "ERROR"},
        "fontTools": {"level": "WARNING"},
        "weasyprint": {"level": "ERROR"},
        "stripe": {"level": "WARNING"},
    },
}
