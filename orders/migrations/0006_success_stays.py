"""What succeeded at the provider is not made open again by an answer that comes late."""

from typing import ClassVar

from django.db import migrations

FORWARD = """
CREATE FUNCTION money_keeps_its_success() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% % succeeded and cannot become %', TG_TABLE_NAME, OLD.id, NEW.status
        USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME;
END $$;
CREATE TRIGGER payment_keeps_its_success
    BEFORE UPDATE ON orders_payment
    FOR EACH ROW WHEN (OLD.status = 'succeeded' AND NEW.status <> 'succeeded')
    EXECUTE FUNCTION money_keeps_its_success();
CREATE TRIGGER refund_keeps_its_success
    BEFORE UPDATE ON orders_refund
    FOR EACH ROW WHEN (OLD.status = 'succeeded' AND NEW.status IN ('requested', 'processing'))
    EXECUTE FUNCTION money_keeps_its_success();
CREATE TRIGGER dispute_stays_decided
    BEFORE UPDATE ON orders_dispute
    FOR EACH ROW WHEN (OLD.status <> 'open' AND NEW.status = 'open')
    EXECUTE FUNCTION money_keeps_its_success();
"""
BACKWARD = """
DROP TRIGGER payment_keeps_its_success ON orders_payment;
DROP TRIGGER refund_keeps_its_success ON orders_refund;
DROP TRIGGER dispute_stays_decided ON orders_dispute;
DROP FUNCTION money_keeps_its_success();
"""


class Migration(migrations.Migration):
    safe_while_serving: ClassVar = {
        "RunSQL": "it only refuses what was a mistake, a payment that had succeeded becoming open again;"
        " making a trigger locks the table for a moment"
    }

    dependencies = [("orders", "0005_money_is_followed")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
