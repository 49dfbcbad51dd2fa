# t/tree.t — a module and an nginx of different trees do not go together: OpenResty's
# patches, which ingress-nginx has too, change nginx's structs without a trace in
# the signature that nginx itself compares
#
# A stand-in for the patched nginx: this one, whose core module gets the directive
# that the patches bring.  And for a module of the patched tree: ours, with the one
# file that looks compiled as that tree's headers would have it.

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;

use Cwd qw(abs_path);
use File::Temp qw(tempdir);

my $repo = abs_path("$FindBin::Bin/..");
my $src  = $ENV{NGINX_SRC} // '/usr/share/nginx/src';
my $obj  = "$repo/build/module/obj";
my $nginx = $ENV{AIGC_NGINX} // '/usr/sbin/nginx';
my $dir  = tempdir('aigc-tree-XXXXXX', TMPDIR => 1, CLEANUP => 1);
my @include = ("-I$obj", "-I$repo/ngx_aigc_module", map { "-I$src/src/$_" } 'core', 'event', 'event/modules', 'event/quic', 'os/unix', 'http', 'http/modules', 'http/v2', 'http/v3');

sub compile { system('gcc', '-fPIC', '-shared', '-w', @_) == 0 or die "gcc\n" }

sub file {
    my ($name, $text) = @_;
    open my $f, '>', "$dir/$name" or die "$dir/$name: $!";
    print $f $text;
    close $f;
    return "$dir/$name";
}

compile('-o', "$dir/patched.so", @include, file('patched.c', <<'END'));
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

static ngx_command_t  commands[512];

static __attribute__((constructor)) void
patch(void)
{
    ngx_uint_t      i;
    ngx_command_t  *cmd = ngx_http_core_module.commands;

    for (i = 0; cmd[i].name.len; i++) {
        commands[i] = cmd[i];
    }

    commands[i] = commands[0];
    ngx_str_set(&commands[i].name, "no_error_pages");
    ngx_http_core_module.commands = commands;
}
END

chomp(my @objects = grep { !m{/ngx_http_aigc_check\.o$} } `find '$obj/addon' '$obj/ngx_http_aigc_module_modules.o' -name '*.o'`);
compile('-c', '-o', "$dir/check.o", '-DHAVE_NGX_UPSTREAM_TIMEOUT_FIELDS=1', @include, "$repo/ngx_aigc_module/ngx_http_aigc_check.c");
compile('-o', "$dir/module.so", "$dir/check.o", @objects, qw(-lcurl -ljwt -ljansson -lssl -lcrypto));

# nginx -t with that module, in that nginx.
sub conf {
    my ($module, $patched) = @_;
    my $conf = file('nginx.conf', "load_module $module;\nerror_log stderr;\npid $dir/pid;\nevents { }\nhttp { access_log off; server { listen 127.0.0.1:1; } }\n");
    open my $out, '-|', '/bin/sh', '-c', 'exec env "$@" 2>&1', 'sh', $patched ? "LD_PRELOAD=$dir/patched.so" : (), $nginx, '-t', '-q', '-p', $dir, '-c', $conf or die $!;
    my $text = do { local $/; <$out> };
    close $out;
    return join ' ', $? >> 8, $text;
}

my $ours = "$repo/build/module/ngx_http_aigc_module.so";
my $cure = qr/build the module in the source tree of this very nginx, with the arguments that "nginx -V" prints/;

is conf($ours), '0 ', 'a module of this nginx is taken';
like conf($ours, 1), qr/^1 .*\[emerg\].*built with OpenResty's patches, and ngx_http_aigc_module without them: $cure/, 'a patched nginx does not take it';
like conf("$dir/module.so"), qr/^1 .*\[emerg\].*built without OpenResty's patches, and ngx_http_aigc_module with them: $cure/, 'nor does this one take one of a patched tree';
is conf("$dir/module.so", 1), '0 ', '… which a patched nginx does';

# Another library under the same name: 3.0, as far as a compiler can tell.
mkdir "$dir/include";
file('include/jwt.h', "typedef struct jwt jwt_t;\nchar *jwt_builder_generate(void *);\n");
my $said = qx(cd '$src' && ./configure --with-cc-opt='-I$dir/include' --builddir='$dir/obj' --without-http_rewrite_module --without-http_gzip_module --add-dynamic-module='$repo' 2>&1);
isnt $?, 0, 'configure refuses libjwt 3.0';
like $said, qr/needs libjwt 1\.10 to 2\.x with its headers:\nlibjwt-dev on Debian and Ubuntu, libjwt2-dev on Alpine/, '… and says which one to take';

done_testing;
