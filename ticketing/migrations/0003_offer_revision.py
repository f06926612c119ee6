"""Whatever changes what is offered gives the event another `offer_revision`.

Numbers come from a sequence, so a cache under an old one is never mistaken for a new offer, not even
within one transaction. A statement that changes a thousand rows changes each event once.
"""

from django.db import migrations

SEQUENCE = "CREATE SEQUENCE ticketing_offer_revision"
STATEMENT = """
CREATE FUNCTION ticketing_offer_changed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    events bigint[];
BEGIN
    CASE TG_ARGV[0]
        WHEN 'event' THEN
            events := ARRAY(SELECT DISTINCT event_id FROM changed);
        WHEN 'type' THEN
            events := ARRAY(SELECT DISTINCT type.event_id FROM changed
              JOIN ticketing_tickettype type ON type.id = changed.ticket_type_id);
        WHEN 'bundle' THEN
            events := ARRAY(SELECT DISTINCT type.event_id FROM changed
              JOIN ticketing_tickettype type ON type.id = changed.bundle_id);
        WHEN 'release' THEN
            events := ARRAY(SELECT DISTINCT type.event_id FROM changed
              JOIN ticketing_release release ON release.id = changed.release_id
              JOIN ticketing_tickettype type ON type.id = release.ticket_type_id);
        WHEN 'pool' THEN
            events := ARRAY(SELECT DISTINCT pool.event_id FROM changed
              JOIN ticketing_capacitypool pool ON pool.id = changed.pool_id);
    END CASE;
    UPDATE events_event SET offer_revision = nextval('ticketing_offer_revision')
     WHERE id = ANY (events);
    RETURN NULL;
END $$
"""
ROW = """
CREATE FUNCTION ticketing_pool_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE events_event SET offer_revision = nextval('ticketing_offer_revision')
     WHERE id = NEW.event_id;
    RETURN NULL;
END $$
"""
TABLES = {
    "ticketing_tickettype": "event",
    "ticketing_priceoption": "type",
    "ticketing_bundlepart": "bundle",
    "ticketing_release": "type",
    "ticketing_optionprice": "release",
    "ticketing_timeslot": "event",
    "ticketing_allocation": "event",
    "ticketing_capacitypool": "event",
    "ticketing_poolmember": "pool",
    "ticketing_promotion": "event",
    "ticketing_waitlistpolicy": "event",
}
# Of pools, the counters change with each sale: those are never cached under the revision.
COUNTED = "ticketing_capacitypool"


def triggers():
    for table, path in TABLES.items():
        for deed, rows in (("INSERT", "NEW"), ("UPDATE", "NEW"), ("DELETE", "OLD")):
            name = f"offer_changed_{deed.lower()}"
            if table == COUNTED and deed == "UPDATE":
                create = (
                    f"CREATE TRIGGER {name} AFTER UPDATE OF capacity, name ON {table}"
                    " FOR EACH ROW EXECUTE FUNCTION ticketing_pool_changed()"
                )
            else:
                create = (
                    f"CREATE TRIGGER {name} AFTER {deed} ON {table}"
                    f" REFERENCING {rows} TABLE AS changed FOR EACH STATEMENT"
                    f" EXECUTE FUNCTION ticketing_offer_changed('{path}')"
                )
            yield migrations.RunSQL(create, f"DROP TRIGGER {name} ON {table}")


class Migration(migrations.Migration):
    dependencies = [("ticketing", "0002_what_can_be_sold"), ("events", "0003_offer_revision")]

    operations = [
        migrations.RunSQL(SEQUENCE, "DROP SEQUENCE ticketing_offer_revision"),
        migrations.RunSQL(STATEMENT, "DROP FUNCTION ticketing_offer_changed"),
        migrations.RunSQL(ROW, "DROP FUNCTION ticketing_pool_changed"),
        *triggers(),
    ]
