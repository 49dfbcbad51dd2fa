module ngx-aigc/users

go 1.24
