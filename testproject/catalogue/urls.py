from django.urls import path

from testproject.catalogue import price_history, scans, stock, views

urlpatterns = [
    path("", views.book_list, name="catalogue"),
    path("<int:pk>/", views.book, name="book"),
    path("stocktake/", views.stocktake),
    path("stocktake/fixed/", views.stocktake_fixed),
    path("price-history/", price_history.export),
    path("price-history/threaded/", price_history.export_threaded),
    path("price-history/fixed/", price_history.export_fixed),
    path("scans/<int:supplier>/", scans.receive),
    path("scans/<int:supplier>/fixed/", scans.receive_fixed),
    path("stock/", stock.copies_in_stock),
    path("stock/fixed/", stock.copies_in_stock_fixed),
]
