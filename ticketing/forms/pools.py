"""Form of places that several things share."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from ticketing.catalogue import Catalogue
from ticketing.forms.tickets import places_field
from ticketing.models import CapacityPool
from ticketing.operations import Members
from ticketing.organiser_errors import NoMembers
from tiqqo.ui.forms import Explained, TiqqoForm
from tiqqo.ui.names import NameField

_TYPE, _RELEASE = "type:", "release:"


class SharedPoolForm(TiqqoForm):
    """A number of places, and who shares it."""

    name = NameField(
        label=_("Name"), max_length=60, help_text=_("For you alone: Main hall, Balcony, Boat.")
    )
    capacity = places_field(_("Places"), _("Empty: it is counted, and limits nothing."))
    members = forms.MultipleChoiceField(
        label=_("Shared by"),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": NoMembers.message},
    )

    fieldsets = (("", ("name", "capacity", "members")),)

    def __init__(
        self,
        *args: Any,
        catalogue: Catalogue,
        pools: Sequence[CapacityPool],
        made: CapacityPool | None = None,
        **kwargs: Any,
    ) -> None:
        self.types = {f"{_TYPE}{t.code}": t for t in catalogue.types.values()}
        # The only release of a type is the type.
        count = Counter(release.ticket_type_id for release in catalogue.releases)
        self.releases = {
            f"{_RELEASE}{release.code}": release
            for release in catalogue.releases
            if count[release.ticket_type_id] > 1
            or (made and made.pk in catalogue.pools.releases.get(release.pk, ()))
        }
        initial = kwargs.pop("initial", {})
        if made is not None:
            of_type, of_release = catalogue.pools.types, catalogue.pools.releases
            initial |= {
                "name": made.name,
                "capacity": made.capacity,
                "members": [
                    *(key for key, t in self.types.items() if made.pk in of_type.get(t.pk, ())),
                    *(
                        key
                        for key, r in self.releases.items()
                        if made.pk in of_release.get(r.pk, ())
                    ),
                ],
            }
        super().__init__(*args, initial=initial, **kwargs)
        taken_by_type = {p.ticket_type_id: p.held + p.sold for p in pools if p.ticket_type_id}
        taken_by_release = {p.release_id: p.held + p.sold for p in pools if p.release_id}
        self.fields["members"].choices = [  # type: ignore[attr-defined]
            *(
                (key, Explained(found.name, _taken(taken_by_type.get(found.pk, 0))))
                for key, found in self.types.items()
            ),
            *(
                (
                    key,
                    Explained(
                        f"{found.ticket_type.name} · {found.name}",
                        _taken(taken_by_release.get(found.pk, 0)),
                    ),
                )
                for key, found in self.releases.items()
            ),
        ]

    @property
    def chosen(self) -> Members:
        chosen = self.cleaned_data["members"]
        return Members(
            types=[found for key, found in self.types.items() if key in chosen],
            releases=[found for key, found in self.releases.items() if key in chosen],
        )


def _taken(count: int) -> str:
    return _now("%(count)s sold or held so far") % {"count": count} if count else ""
