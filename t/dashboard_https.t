# t/dashboard_https.t — the dashboard as in production: over https, with the
# cookies' prefixes (AIGC_HTTPS=1 does the same for any other test)

use FindBin;

$ENV{AIGC_HTTPS} = 1;
defined do "$FindBin::Bin/dashboard.t" or die $@ || $!;
