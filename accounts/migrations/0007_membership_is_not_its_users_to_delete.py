from django.db import migrations

# As `RowLevelSecurity` makes them since: a user's own scope reads the row and does no more. Fresh databases
# have them so from the first migration on.
SPLIT = """
DROP POLICY accounts_membership_tenant ON accounts_membership;
DROP POLICY IF EXISTS accounts_membership_tenant_own ON accounts_membership;
CREATE POLICY accounts_membership_tenant ON accounts_membership
 USING (organiser_id = (SELECT NULLIF(current_setting('tiqqo.organiser_id', true), '')::bigint)
        OR (SELECT current_setting('tiqqo.platform', true)) = 'on')
 WITH CHECK (organiser_id = (SELECT NULLIF(current_setting('tiqqo.organiser_id', true), '')::bigint)
             OR (SELECT current_setting('tiqqo.platform', true)) = 'on');
CREATE POLICY accounts_membership_tenant_own ON accounts_membership FOR SELECT
 USING ("user_id" = (SELECT NULLIF(current_setting('tiqqo.user_id', true), '')::bigint));
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0006_released_at")]

    # Going back leaves the narrower policy: the release before only reads in a user's own scope.
    operations = [migrations.RunSQL(SPLIT, migrations.RunSQL.noop)]

    safe_while_serving = {
        "RunSQL": "the release before only reads in a user's own scope; one short lock of a small table"
    }
