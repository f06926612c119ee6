"""The payment provider's webhook."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from orders import operations
from orders.providers import ProviderFailure, SignatureInvalid, provider
from tiqqo.core import security_log
from tiqqo.core.tasks import enqueue


@csrf_exempt
@require_POST
def stripe(request: HttpRequest) -> HttpResponse:
    """The event is stored once and handled by the worker; a repeated one is thanked for, too.

    Once it is stored the provider need not send it again, whether or not the broker is there.
    """
    try:
        notice = provider().read_notice(request.body, request.headers.get("Stripe-Signature", ""))
    except SignatureInvalid:
        security_log.note(security_log.Kind.WEBHOOK_SIGNATURE, request=request, provider="stripe")
        return HttpResponse("The signature does not match.", status=400, content_type="text/plain")
    except ProviderFailure as failure:
        return HttpResponse(str(failure), status=503, content_type="text/plain")
    stored = operations.store_event(notice)
    if stored is not None:
        enqueue("orders.tasks.handle_provider_event", [stored.pk])
    return HttpResponse("ok", content_type="text/plain")
