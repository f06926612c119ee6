"""Mails of the accounts app."""

from celery import shared_task
from django.core.mail import EmailMultiAlternatives

from accounts.letters import invitation_letter
from accounts.models import Invitation
from tiqqo.core import clock
from tiqqo.core.tasks import TenantTask
from tiqqo.ui.mails import render_letter


@shared_task(base=TenantTask, autoretry_for=(OSError,), retry_backoff=5, max_retries=8)
def send_invitation(invitation_id: int) -> None:
    """The invited person has a mail with the link, once."""
    invitation = (
        Invitation.objects.select_related("organiser", "invited_by").filter(pk=invitation_id).get()
    )
    if not invitation.is_open or invitation.sent_at:
        return
    letter = invitation_letter(invitation)
    text, html = render_letter(letter)
    mail = EmailMultiAlternatives(subject=letter.subject, body=text, to=[invitation.email])
    mail.attach_alternative(html, "text/html")
    mail.send()
    Invitation.objects.filter(pk=invitation_id).update(sent_at=clock.now())
