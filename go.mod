module internal/xengo

go 1.26
